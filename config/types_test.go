package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSizeSuccess(t *testing.T) {
	f := func(text string, want Size, written string) {
		t.Helper()
		var s Size
		require.NoError(t, s.UnmarshalText([]byte(text)))
		require.Equal(t, want, s)
		out, err := s.MarshalText()
		require.NoError(t, err)
		require.Equal(t, written, string(out))
	}
	f("0", 0, "0B")
	f("1", 1, "1B")
	f("16MiB", 16<<20, "16MiB")
	f("16 MiB", 16<<20, "16MiB")
	f("1024KiB", 1<<20, "1MiB")
	f("500KB", 500000, "500KB")
	f("2GB", 2e9, "2GB")
	f("2G", 2e9, "2GB")
	f("2Gi", 2<<30, "2GiB")
	f("3M", 3e6, "3MB")
	f("3Mi", 3<<20, "3MiB")
	f("4K", 4000, "4KB")
	f("4k", 4000, "4KB")
	f("4Ki", 4096, "4KiB")
	f("512B", 512, "512B")
	f("1536", 1536, "1536B")
	f("9223372036854775807", 1<<63-1, "9223372036854775807B")
}

func TestSizeFailure(t *testing.T) {
	f := func(text string) {
		t.Helper()
		s := Size(7)
		require.Error(t, s.UnmarshalText([]byte(text)))
		require.Equal(t, Size(7), s)
	}
	f("")
	f("MiB")
	f("-1")
	f("1.5MiB")
	f("16 megabytes")
	f("16mib")
	f("9223372036854775808")
	f("9007199254740993GiB")
}

func TestPortRangeSuccess(t *testing.T) {
	f := func(text string, want PortRange, length int, written string) {
		t.Helper()
		var r PortRange
		require.NoError(t, r.UnmarshalText([]byte(text)))
		require.Equal(t, want, r)
		require.Equal(t, length, r.Len())
		require.Equal(t, written, r.String())
	}
	f("", PortRange{}, 0, "0")
	f("0", PortRange{}, 0, "0")
	f("20000", PortRange{20000, 20000}, 1, "20000")
	f("20000-20999", PortRange{20000, 20999}, 1000, "20000-20999")
	f("1 - 65535", PortRange{1, 65535}, 65535, "1-65535")
}

func TestPortRangeFailure(t *testing.T) {
	f := func(text string) {
		t.Helper()
		var r PortRange
		require.Error(t, r.UnmarshalText([]byte(text)))
	}
	f("-")
	f("1-")
	f("0-5")
	f("65536")
	f("5-4")
	f("1-2-3")
	f("+1")
	f("a")
}

// Secrets go, everything else stays: also of a URL that is malformed, and of one in a sentence.
func TestMask(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		require.Equal(t, want, Mask(text))
		require.Equal(t, want, Mask(want))
	}
	f("http://h:8428/x", "http://h:8428/x")
	f("http://me:pw@h:8428/x", "http://xxxxx@h:8428/x")
	f("http://token@h/x", "http://xxxxx@h/x")
	f("http://h/x?a=1&api_key=k&Token=t&b", "http://h/x?a=1&api_key=xxxxx&Token=xxxxx&b")
	f("http://h/x?%74oken=t", "http://h/x?%74oken=xxxxx")
	f("http://h/x?%7zoken=t", "http://h/x?%7zoken=xxxxx")
	f("http://h/x?extra_label=a%20b&auth=1", "http://h/x?extra_label=a%20b&auth=xxxxx")
	f("http://me:p%zz@h/", "http://xxxxx@h/")
	f("http://me:p/w?x#y@h/z", "http://xxxxx@h/z")
	f("http://h:8428/x?label=a@b", "http://h:8428/x?label=a@b")
	f("htp:/vm:8428/import?extra_label=a", "htp:/vm:8428/import?extra_label=a")
	f("me:pw@h:8428", "xxxxx@h:8428")
	f("", "")
	f("me@example.com", "me@example.com")
	f(`cannot push metrics to "http://me:pw@h/api?token=hush&b=1": got 400 from "http://h/?sig=s"`,
		`cannot push metrics to "http://xxxxx@h/api?token=xxxxx&b=1": got 400 from "http://h/?sig=xxxxx"`)
}

func TestParseDuration(t *testing.T) {
	f := func(text string, want time.Duration) {
		t.Helper()
		d, err := parseDuration(text)
		require.NoError(t, err)
		require.Equal(t, want, d)
	}
	f("1d", 24*time.Hour)
	f("1.5d", 36*time.Hour)
	f("1d12h", 36*time.Hour)
	f("-1d1h", -25*time.Hour)
	f("30s", 30*time.Second)
	for _, text := range []string{"", "d", "1", "1.2.3d", "1day", "9999999999d"} {
		_, err := parseDuration(text)
		require.Error(t, err, text)
	}
}

func TestShortDuration(t *testing.T) {
	f := func(d time.Duration, want string) {
		t.Helper()
		require.Equal(t, want, shortDuration(d))
	}
	f(0, "0s")
	f(10*time.Second, "10s")
	f(120*time.Second, "2m")
	f(time.Hour, "1h")
	f(time.Hour+10*time.Minute, "1h10m")
	f(90*time.Second, "1m30s")
}
