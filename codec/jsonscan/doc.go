// Package jsonscan walks JSON text in place. It builds nothing: it says where keys and values stand, and reads the few
// that its caller asks for. It uses the standard library only and allocates nothing but for a decoded string, an error
// and the list of bare keys.
//
// There are two dialects. [Strict] is JSON as headers of frames have it. [Lenient] is what fastjson, the library of
// RocketMQ's Java processes, writes and reads in bodies: a bare integer, an object or an array may stand in the place
// of a key, as in {0:"10.0.0.1:10911"} and {{"queueId":3}:{"offset":7}}. Both take numbers with leading zeros, control
// characters in strings and bytes that are not UTF-8, as the Java libraries do.
//
// The first fault sticks: after it every step takes nothing and every loop ends, so a caller asks [Scanner.Err] once,
// at the end. Work is linear in the length of the text whatever stands in it, and nesting is bounded by [MaxDepth],
// because every level costs stack.
//
//	s := jsonscan.Scanner{Text: text}
//	for _, key := range s.Members() {
//		if s.Is(key, "name") {
//			name = string(s.Contents(s.Value()))
//		} else {
//			s.Value() // each value must be taken
//		}
//	}
//	s.End()
//	return s.Err()
package jsonscan
