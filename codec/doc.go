// Package codec knows RocketMQ's remoting frames: where one begins and ends, what its header says, and how to
// write one. It uses the standard library only and holds no sockets, clocks or actors.
//
// A frame on the wire:
//
//	offset size  field
//	0      4     total      = 4 + headerLen + bodyLen (does not count itself)
//	4      4     mark       bits 31..24 encoding (0 JSON, 1 ROCKETMQ), bits 23..0 headerLen
//	8      hl    header
//	8+hl   n     body
//
// There are two ways to read it.
//
//   - A relay uses a [Splitter] on what each read returned: it finds the frames that begin there and scans their
//     headers in place ([Header]: code, flag, opaque, version, language and where the ext fields lie) without
//     decoding the rest and without allocating. [Header.Ext] reads one ext field on demand. Bodies are never looked at.
//   - Code that makes or answers whole commands uses [Command] with [Decode], [ReadCommand] and [Command.Append].
//
// [WithOpaque] and [WithExt] change one value of a frame and keep the rest to the byte. [RequestCodeName] and
// [ResponseCodeName] name codes for people.
//
// # Strictness
//
// RocketMQ 4.9 and 5.x read some headers differently: of a known key that stands twice the one takes the first, the other
// the last; the one ignores case. A proxy that passed such a header on could decide by another value than the broker
// does, so such headers are errors here. Whatever both lines read alike and without doubt is read, numbers in quotes
// among it. testdata/spellings.tsv has 123 spellings with what real servers do; docs/COMPATIBILITY.md lists what stays
// refused. A [FrameError] says what is wrong and what the bytes look like.
//
// # Cost
//
// A header is mostly like the one before it, so [Layouts] remember headers: the bytes between values are compared, and
// only values that have differed are read. That costs a quarter of a scan, and the ext fields that a relay wants of each
// header are found on the way. A header that is like none before is scanned.
//
// Work is in proportion to the bytes that are there, whatever a peer writes: nothing is allocated by what a length field
// claims, escaped keys are compared without being decoded, and nesting is bounded (package jsonscan).
package codec
