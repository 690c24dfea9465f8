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
//   - Whoever makes or answers whole commands (the directory, the embedded broker, tests) uses [Command] with
//     [Decode], [ReadCommand] and [Command.Append].
//
// The scanner is stricter than the servers' JSON libraries on purpose. RocketMQ 4.9 and 5.x read some headers
// differently (a known key twice, or in another case: the one takes the first, the other the last), so a proxy that
// passed such a header on could decide by another value than the broker does. Such headers are errors here.
package codec
