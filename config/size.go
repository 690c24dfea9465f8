package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes.
type Size int64

// Units that a size may be written in.
const (
	KiB Size = 1024
	MiB      = 1024 * KiB
	GiB      = 1024 * MiB
)

// sizeUnits are those of Kubernetes: decimal, or binary with an i; a B may follow. The larger a unit the earlier.
var sizeUnits = []struct {
	suffix string
	size   Size
}{{"Gi", GiB}, {"G", 1e9}, {"Mi", MiB}, {"M", 1e6}, {"Ki", KiB}, {"K", 1e3}, {"k", 1e3}, {"", 1}}

var errSize = errors.New("it is not a size")

// UnmarshalText reads "16MiB", "16Mi", "500KB", "2G", "512B" or a plain number of bytes.
func (s *Size) UnmarshalText(text []byte) error {
	suffix := strings.TrimLeft(string(text), "0123456789")
	n, err := strconv.ParseInt(strings.TrimSuffix(string(text), suffix), 10, 64)
	for _, u := range sizeUnits {
		if u.suffix == strings.TrimSuffix(strings.TrimLeft(suffix, " "), "B") && err == nil && n <= math.MaxInt64/int64(u.size) {
			*s = Size(n) * u.size
			return nil
		}
	}
	return errSize
}

// MarshalText writes the size as [Size.String] does.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String writes the size in the largest unit that leaves no fraction.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s >= u.size && s%u.size == 0 {
			return strconv.FormatInt(int64(s/u.size), 10) + u.suffix + "B"
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}
