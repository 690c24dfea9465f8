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

func TestAdvertisedPort(t *testing.T) {
	f := func(listen, told string, port, want int) {
		t.Helper()
		var l Listener
		require.NoError(t, l.BrokerPorts.UnmarshalText([]byte(listen)))
		require.NoError(t, l.AdvertisePorts.UnmarshalText([]byte(told)))
		require.Equal(t, want, l.AdvertisedPort(port))
	}
	f("20000-20999", "30000-30999", 20007, 30007)
	f("20000-20999", "0", 20007, 20007)
	f("0", "0", 41234, 41234)
}

func TestSplitBroker(t *testing.T) {
	f := func(key, name string, id int, ok bool) {
		t.Helper()
		gotName, gotID, gotOK := SplitBroker(key)
		require.Equal(t, ok, gotOK)
		if ok {
			require.Equal(t, name, gotName)
			require.Equal(t, id, gotID)
		}
	}
	f("broker-a/0", "broker-a", 0, true)
	f("a/b/12", "a/b", 12, true)
	f("broker-a", "", 0, false)
	f("/0", "", 0, false)
	f("broker-a/-1", "", 0, false)
	f("broker-a/00", "", 0, false)
	f("broker-a/x", "", 0, false)
}

func TestMask(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		require.Equal(t, want, mask(text, "url"))
	}
	f("http://h:8428/x", "http://h:8428/x")
	f("http://me:pw@h:8428/x", "http://xxxxx@h:8428/x")
	f("http://token@h/x", "http://xxxxx@h/x")
	f("http://h/x?a=1&api_key=k&Token=t&b", "http://h/x?a=1&api_key=xxxxx&Token=xxxxx&b")
	f("http://h/x?%74oken=t", "http://h/x?%74oken=xxxxx")
	f("http://h/x?extra_label=a%20b&auth=1", "http://h/x?extra_label=a%20b&auth=xxxxx")
	f("http://me:p%zz@h/", "xxxxx")
	f("", "")
	require.Equal(t, "http://me:pw@h/", mask("http://me:pw@h/", ""))
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
