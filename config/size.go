package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes.
type Size int64

// Units that a size may be written in. Those with an i are powers of 1024.
const (
	KB  Size = 1000
	MB       = 1000 * KB
	GB       = 1000 * MB
	KiB Size = 1024
	MiB      = 1024 * KiB
	GiB      = 1024 * MiB
)

// sizeUnits are ordered so that the largest unit is printed; B comes last because every suffix ends with it.
var sizeUnits = []struct {
	suffix string
	unit   Size
}{{"GiB", GiB}, {"GB", GB}, {"MiB", MiB}, {"MB", MB}, {"KiB", KiB}, {"KB", KB}, {"B", 1}}

var errSize = errors.New("it is not a size")

// UnmarshalText reads "16MiB", "500KB", "512B" or a plain number of bytes.
func (s *Size) UnmarshalText(text []byte) error {
	digits, unit := string(text), Size(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(digits, u.suffix); ok {
			digits, unit = strings.TrimRight(rest, " "), u.unit
			break
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || n > uint64(math.MaxInt64/unit) {
		return errSize
	}
	*s = Size(n) * unit
	return nil
}

// MarshalText writes the size as [Size.String] does.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String writes the size in the largest unit that leaves no fraction.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s >= u.unit && s%u.unit == 0 {
			return strconv.FormatInt(int64(s/u.unit), 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}
