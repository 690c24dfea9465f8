package translate

import "unicode/utf16"

// QueueOf chooses the queue of a message group among n, which must be sorted by broker name and queue id. All proxies of a
// fleet choose alike, Apache's included: Guava's consistentHash of Java's String.hashCode.
func QueueOf(group string, n int) int {
	var h int32
	for _, unit := range utf16.Encode([]rune(group)) {
		h = 31*h + int32(unit)
	}
	return jump(uint64(int64(h)), n)
}

// jump is the jump consistent hash of Lamping and Veach.
func jump(key uint64, n int) int {
	b, j := int64(-1), int64(0)
	for j < int64(n) {
		b = j
		key = key*2862933555777941757 + 1
		j = int64(float64(b+1) * (float64(int64(1)<<31) / float64((key>>33)+1)))
	}
	return int(b)
}
