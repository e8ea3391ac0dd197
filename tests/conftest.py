"""For all tests: random cases have no time limit, because how long one takes says nothing of whether it is right."""

from hypothesis import HealthCheck, settings

settings.register_profile("no-clock", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("no-clock")
