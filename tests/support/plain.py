"""A TLS context for clients of plain loopback addresses, which use none: making one that trusts the system's
authorities takes longer than many a request.
"""

import ssl

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
