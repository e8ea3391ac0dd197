// Checks what the gateway's audit log says with golang.org/x/mod/sumdb/{tlog,note}: an implementation of RFC 6962
// trees and of signed notes by other people. Built and driven by agree.py beside it; see there for what is shown.
//
//	proofs N        reads lines of roots and proofs over the first N test leaves, checks each and compares it with its own
//	folder DIR KEY  verifies a published folder from its first entry to its checkpoint
//	notes KEYS      reads base64 notes, one a line, and says of each whether note.Open takes it; keys are told by commas
//	grammar KEYS    the same
//	trees KEY       reads base64 texts, one a line, and says of each whether tlog.ParseTree takes it (KEY is unused)
//	paths KEY       reads tiles' paths, one a line, and says of each whether tlog.ParseTilePath takes it (KEY is unused)
//	signers KEY     reads base64 signing keys, one a line, and says of each whether note.NewSigner takes it (KEY is unused)
//	keys KEY        reads base64 verifier keys, one a line, and says of each whether note.NewVerifier takes it
//	checks KEY      reads proofs, one a line, and says of each whether CheckRecord or CheckTree takes it (KEY is unused)
//	pairs N         says, of each size up to N, the digest of its root and of all its proofs (see answers.py)
//	prove N         reads lines `size index older` and proves both over the first N test leaves
//	stored N        the same from made-up stored hashes, as a digest a line: any size, at no cost (N is unused)
//	sign KEY        reads base64 texts, one a line, and signs each
//
// Test leaf i is the 8 bytes of i, big-endian.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if len(os.Args) < 3 {
		fail("usage: verify proofs N | folder DIR KEY | notes KEYS | grammar KEYS | trees KEY | paths KEY | signers KEY | keys KEY | checks KEY | pairs N | prove N | stored N | sign KEY")
	}
	switch os.Args[1] {
	case "proofs", "pairs", "prove", "stored":
		n, err := strconv.ParseInt(os.Args[2], 10, 64)
		check(err)
		trees(os.Args[1], n)
	case "folder":
		folder(os.Args[2], os.Args[3])
	case "notes", "grammar":
		verifiers := []note.Verifier{}
		for _, key := range strings.Split(os.Args[2], ",") {
			verifier, err := note.NewVerifier(key)
			check(err)
			verifiers = append(verifiers, verifier)
		}
		answer(func(line string) error {
			_, err := note.Open(decoded(line), note.VerifierList(verifiers...))
			return err
		})
	case "trees":
		answer(func(line string) error {
			_, err := tlog.ParseTree(decoded(line))
			return err
		})
	case "paths":
		answer(func(line string) error {
			_, err := tlog.ParseTilePath(line)
			return err
		})
	case "signers":
		answer(func(line string) error {
			_, err := note.NewSigner(string(decoded(line)))
			return err
		})
	case "keys":
		answer(func(line string) error {
			_, err := note.NewVerifier(string(decoded(line)))
			return err
		})
	case "checks":
		answer(checkProof)
	case "sign":
		signer, err := note.NewSigner(os.Args[2])
		check(err)
		for scanner := lines(); scanner.Scan(); {
			signed, err := note.Sign(&note.Note{Text: string(decoded(scanner.Text()))}, signer)
			check(err)
			fmt.Println(base64.StdEncoding.EncodeToString(signed))
		}
	default:
		fail("unknown command " + os.Args[1])
	}
}

func fail(text string) {
	fmt.Fprintln(os.Stderr, text)
	os.Exit(1)
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}

// hashes is the store that tlog reads from: every complete subtree's hash, in tlog's own order.
type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		if at >= int64(len(h)) {
			return nil, fmt.Errorf("no hash %d", at)
		}
		found[i] = h[at]
	}
	return found, nil
}

func (h *hashes) add(n int64, entry []byte) {
	made, err := tlog.StoredHashes(n, entry, *h)
	check(err)
	*h = append(*h, made...)
}

func lines() *bufio.Scanner {
	scanner := bufio.NewScanner(os.Stdin)
	scanner.Buffer(make([]byte, 1<<20), 1<<24)
	return scanner
}

func parseHash(text string) tlog.Hash {
	var hash tlog.Hash
	data, err := hex.DecodeString(text)
	check(err)
	if len(data) != len(hash) {
		fail("a hash has 32 bytes")
	}
	copy(hash[:], data)
	return hash
}

func parseProof(fields []string) []tlog.Hash {
	proof := []tlog.Hash{}
	for _, field := range fields {
		proof = append(proof, parseHash(field))
	}
	return proof
}

func same(line string, ours, theirs []tlog.Hash) {
	if len(ours) != len(theirs) {
		fail(fmt.Sprintf("%.60s: %d hashes, tlog has %d", line, len(ours), len(theirs)))
	}
	for i := range ours {
		if ours[i] != theirs[i] {
			fail(fmt.Sprintf("%.60s: hash %d is %v, tlog has %v", line, i, ours[i], theirs[i]))
		}
	}
}

// proofs reads `R size root`, `I size index hash...` and `C size older-size hash...`.
func proofs(n int64) {
	store, entry := testLeaves(n), make([]byte, 8)
	roots, counts := map[int64]tlog.Hash{}, map[string]int{}
	root := func(size int64) tlog.Hash {
		if _, known := roots[size]; !known {
			hash, err := tlog.TreeHash(size, store)
			check(err)
			roots[size] = hash
		}
		return roots[size]
	}
	for scanner := lines(); scanner.Scan(); {
		line := scanner.Text()
		fields := strings.Fields(line)
		size, err := strconv.ParseInt(fields[1], 10, 64)
		check(err)
		counts[fields[0]]++
		if fields[0] == "R" {
			same(line, parseProof(fields[2:]), []tlog.Hash{root(size)})
			continue
		}
		second, err := strconv.ParseInt(fields[2], 10, 64)
		check(err)
		ours := parseProof(fields[3:])
		switch fields[0] {
		case "I":
			theirs, err := tlog.ProveRecord(size, second, store)
			check(err)
			same(line, ours, theirs)
			binary.BigEndian.PutUint64(entry, uint64(second))
			check(tlog.CheckRecord(ours, size, root(size), second, tlog.RecordHash(entry)))
		case "C":
			theirs, err := tlog.ProveTree(size, second, store)
			check(err)
			same(line, ours, theirs)
			check(tlog.CheckTree(ours, size, root(size), second, root(second)))
		}
	}
	fmt.Printf("%d roots, %d inclusion proofs, %d consistency proofs\n", counts["R"], counts["I"], counts["C"])
}

// tilePath is the path of c2sp.org/tlog-tiles: as tlog's own, without the tile height.
func tilePath(level string, index int64, width int) string {
	text := fmt.Sprintf("%03d", index%1000)
	for index >= 1000 {
		index /= 1000
		text = fmt.Sprintf("x%03d/%s", index%1000, text)
	}
	if width < 256 {
		text = fmt.Sprintf("%s.p/%d", text, width)
	}
	return "tile/" + level + "/" + text
}

// folder reads every bundle, hashes every entry, compares every hash tile, and the root with the signed one.
func folder(dir, key string) {
	begun := time.Now()
	verifier, err := note.NewVerifier(key)
	check(err)
	signed, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	check(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	check(err)
	said := strings.Split(opened.Text, "\n")
	if len(said) != 4 || said[0] != verifier.Name() {
		fail("the checkpoint is not of " + verifier.Name())
	}
	size, err := strconv.ParseInt(said[1], 10, 64)
	check(err)
	root, err := tlog.ParseHash(said[2])
	check(err)
	var store hashes
	for index := int64(0); index*256 < size; index++ {
		width := 256
		if size-index*256 < 256 {
			width = int(size - index*256)
		}
		rest, err := os.ReadFile(filepath.Join(dir, tilePath("entries", index, width)))
		check(err)
		for i := 0; i < width; i++ {
			if len(rest) < 2 {
				fail(fmt.Sprintf("entry %d is missing", index*256+int64(i)))
			}
			length := int(binary.BigEndian.Uint16(rest))
			if len(rest) < 2+length {
				fail(fmt.Sprintf("entry %d is cut short", index*256+int64(i)))
			}
			store.add(index*256+int64(i), rest[2:2+length])
			rest = rest[2+length:]
		}
	}
	for level := 0; size>>(8*level) > 0; level++ {
		for index := int64(0); index*256 < size>>(8*level); index++ {
			compareTile(dir, store, level, index, size)
		}
	}
	computed, err := tlog.TreeHash(size, store)
	check(err)
	if computed != root {
		fail(fmt.Sprintf("the entries lead to root %v, not %v", computed, root))
	}
	fmt.Printf("%d entries in %.2f s\n", size, time.Since(begun).Seconds())
}

func compareTile(dir string, store hashes, level int, index, size int64) {
	width := 256
	if left := size>>(8*level) - index*256; left < 256 {
		width = int(left)
	}
	var wanted []byte
	for i := 0; i < width; i++ {
		hash := store[tlog.StoredHashIndex(8*level, index*256+int64(i))]
		wanted = append(wanted, hash[:]...)
	}
	found, err := os.ReadFile(filepath.Join(dir, tilePath(strconv.Itoa(level), index, width)))
	check(err)
	if !bytes.Equal(found, wanted) {
		fail(fmt.Sprintf("tile %d of level %d is not made of what is below it", index, level))
	}
}

func trees(what string, n int64) {
	switch what {
	case "proofs":
		proofs(n)
	case "pairs":
		store := testLeaves(n)
		for size := int64(1); size <= n; size++ {
			digest := sha256.New()
			fmt.Fprintln(digest, rootLine(size, store))
			for index := int64(0); index < size; index++ {
				fmt.Fprintln(digest, inclusionLine(size, index, store))
			}
			for older := int64(1); older <= size; older++ {
				fmt.Fprintln(digest, consistencyLine(size, older, store))
			}
			fmt.Printf("%x\n", digest.Sum(nil))
		}
	case "stored":
		eachAsked(func(size, index, older int64) {
			said := []string{rootLine(size, madeUp{}), inclusionLine(size, index, madeUp{}), consistencyLine(size, older, madeUp{})}
			fmt.Printf("%x\n", sha256.Sum256([]byte(strings.Join(said, "\n")+"\n")))
		})
	case "prove":
		store := testLeaves(n)
		root := func(size int64) string {
			return strings.Fields(rootLine(size, store))[2]
		}
		eachAsked(func(size, index, older int64) {
			leaf := store[tlog.StoredHashIndex(0, index)]
			included := strings.Join(strings.Fields(inclusionLine(size, index, store))[3:], " ")
			consistent := strings.Join(strings.Fields(consistencyLine(size, older, store))[3:], " ")
			fmt.Println(strings.TrimSpace(fmt.Sprintf("I %d %d %x %s %s", index, size, leaf[:], root(size), included)))
			fmt.Println(strings.TrimSpace(fmt.Sprintf("C %d %d %s %s %s", older, size, root(older), root(size), consistent)))
		})
	}
}

func testLeaves(n int64) hashes {
	var store hashes
	entry := make([]byte, 8)
	for i := int64(0); i < n; i++ {
		binary.BigEndian.PutUint64(entry, uint64(i))
		store.add(i, entry)
	}
	return store
}

// madeUp is a store in which every complete subtree's hash is that of its level and offset, in 8 bytes each. Such hashes
// do not go together to a tree; which of them a proof is folded from, and in which order, shows all the same.
type madeUp struct{}

func (madeUp) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		level, offset := tlog.SplitStoredHashIndex(at)
		said := binary.BigEndian.AppendUint64(nil, uint64(level))
		found[i] = sha256.Sum256(binary.BigEndian.AppendUint64(said, uint64(offset)))
	}
	return found, nil
}

func eachAsked(tell func(size, index, older int64)) {
	for scanner := lines(); scanner.Scan(); {
		var size, index, older int64
		_, err := fmt.Sscan(scanner.Text(), &size, &index, &older)
		check(err)
		tell(size, index, older)
	}
}

func line(start string, proof []tlog.Hash) string {
	for _, hash := range proof {
		start += fmt.Sprintf(" %x", hash[:])
	}
	return start
}

func rootLine(size int64, store tlog.HashReader) string {
	hash, err := tlog.TreeHash(size, store)
	check(err)
	return line(fmt.Sprintf("R %d", size), []tlog.Hash{hash})
}

func inclusionLine(size, index int64, store tlog.HashReader) string {
	proof, err := tlog.ProveRecord(size, index, store)
	check(err)
	return line(fmt.Sprintf("I %d %d", size, index), proof)
}

func consistencyLine(size, older int64, store tlog.HashReader) string {
	proof, err := tlog.ProveTree(size, older, store)
	check(err)
	return line(fmt.Sprintf("C %d %d", size, older), proof)
}

func decoded(line string) []byte {
	data, err := base64.StdEncoding.DecodeString(line)
	check(err)
	return data
}

// answer says of each line whether it is taken.
func answer(take func(string) error) {
	var answers strings.Builder // written at the end: whoever asks writes first and reads then
	for scanner := lines(); scanner.Scan(); {
		if take(scanner.Text()) == nil {
			answers.WriteString("open\n")
		} else {
			answers.WriteString("refused\n")
		}
	}
	fmt.Print(answers.String())
}

// checkProof takes `I index size leaf root hash...` and `C older newer root1 root2 hash...`.
func checkProof(line string) error {
	fields := strings.Fields(line)
	first, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return err
	}
	second, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return err
	}
	one, two, proof := parseHash(fields[3]), parseHash(fields[4]), parseProof(fields[5:])
	if fields[0] == "I" {
		return tlog.CheckRecord(proof, second, two, first, one)
	}
	return tlog.CheckTree(proof, second, two, first, one)
}
