//go:build unix

package handover

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// listening is the descriptor of a listening socket, which belongs to the caller.
func listening(t *testing.T, address string) (fd int) {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	require.NoError(t, err)
	defer ln.Close()
	file, err := ln.(*net.TCPListener).File()
	require.NoError(t, err)
	defer file.Close()
	return duplicate(t, int(file.Fd()))
}

// strangers are descriptors that are not TCP connections.
func strangers(t *testing.T) map[string]int {
	t.Helper()
	file, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer file.Close()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	require.NoError(t, err)
	closeFD(pair[1])
	udp, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	require.NoError(t, err)
	all := map[string]int{
		"a file": duplicate(t, int(file.Fd())), "a Unix socket": pair[0], "a UDP socket": udp,
		"a listening socket": listening(t, "127.0.0.1:0"),
	}
	t.Cleanup(func() {
		for _, fd := range all {
			closeFD(fd)
		}
	})
	return all
}

// descriptors counts the open ones of this process.
func descriptors(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this system does not list open descriptors")
	}
	return len(names)
}

// leaksNothing wants as many to be open as before. The endpoint looks at its own path now and then, which takes some for a moment.
func leaksNothing(t *testing.T, before int, what string) {
	t.Helper()
	require.Eventually(t, func() bool { return descriptors(t) <= before }, patience, time.Millisecond, what)
}

// offered offers what is not to be adopted, and returns why it is refused.
func offered(t *testing.T, c *conn, fds ...int) string {
	t.Helper()
	require.NoError(t, c.send(request{State: &messages.ConnectionState{Listener: "main"}, Version: Version}, fds...))
	var r reply
	_, err := c.receive(&r)
	require.NoError(t, err)
	return r.Refused
}

// What comes in the place of a client's or of an upstream's socket and is not a TCP connection is refused and closed.
func TestOnlyTCPConnectionsAreAdopted(t *testing.T) {
	path := newPath(t)
	successor := serve(t, path, &fakeProxy{})
	c, _ := call(t, path)
	p, client := parcel(t, "main")
	defer closeFD(p.Client)
	for name, fd := range strangers(t) {
		before := descriptors(t)
		require.Equal(t, "what came with it is not a TCP connection", offered(t, c, fd), name)
		require.Equal(t, "what came with it is not a TCP connection", offered(t, c, p.Client, fd), name)
		leaksNothing(t, before, name)
	}
	require.Zero(t, successor.proxy.count())
	owned(t, client)
}

// Sockets are lost when more come than fit, or no descriptor is free in this process. What came is closed and the offer
// is refused: with a client's socket alone its upstream would be taken for closed. The next offer is served.
func TestAnOfferThatLostSocketsIsRefused(t *testing.T) {
	path := newPath(t)
	e, err := Inherit(path, nil, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(e.Close)
	require.NoError(t, e.takePath(&fakeProxy{})) // it does not look at its path, which takes descriptors and gives them back
	c, _ := call(t, path)
	p, _ := parcel(t, "main")
	defer closeFD(p.Client)
	before := descriptors(t)
	require.Equal(t, errDescriptorsLost.Error(), offered(t, c, slices.Repeat([]int{p.Client}, mostDescriptors+1)...))
	leaksNothing(t, before, "the sockets of the message")

	var old unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &old))
	free := duplicate(t, p.Client) // the lowest that is free, so all above it are
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(free) + 1, Max: old.Max}))
	closeFD(free)
	refused := offered(t, c, p.Client, p.Client) // one of them fits
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &old))
	require.Equal(t, errDescriptorsLost.Error(), refused)
	leaksNothing(t, before, "the socket that fitted")

	require.Empty(t, offered(t, c, p.Client))
}

// A successor finds the socket of an address however the two configurations spell it.
func TestAnAddressIsInheritedInEachSpelling(t *testing.T) {
	for _, spellings := range [][]string{
		{"127.0.0.1", "localhost", "::ffff:127.0.0.1"},
		{"", "0.0.0.0", "::", "[::]"},
	} {
		for _, bound := range spellings {
			for _, asked := range spellings {
				fd := listening(t, joined(bound, "0"))
				at, err := tcpListener(fd)
				require.NoError(t, err)
				port := strconv.Itoa(int(at.Port()))
				e, err := inheritFrom(t, messages.SharedListener{Listener: "main", Address: joined(bound, port), FD: fd})
				require.NoError(t, err)
				inherited, ok := e.Listener(joined(asked, port))
				require.True(t, ok, "%q for %q", asked, bound)
				closeFD(inherited)
				_, ok = e.Listener(joined(asked, port))
				require.False(t, ok, "it is given away once")
				_, ok = e.Listener(joined("127.0.0.2", port))
				require.False(t, ok)
				e.Close()
			}
		}
	}
}

func joined(host, port string) string {
	if host == "[::]" {
		return host + ":" + port
	}
	return net.JoinHostPort(host, port)
}

// inheritFrom starts with a predecessor that shares some sockets, which belong to it.
func inheritFrom(t *testing.T, shares ...messages.SharedListener) (*Endpoint, error) {
	t.Helper()
	path := newPath(t)
	serve(t, path, &fakeProxy{shares: shares})
	return Inherit(path, nil, slog.New(slog.DiscardHandler))
}

// What is shared in the place of a listening socket and is something else keeps a successor from starting, and is closed.
func TestOnlyListeningSocketsAreInherited(t *testing.T) {
	for name, fd := range strangers(t) {
		if name == "a listening socket" {
			continue
		}
		_, err := inheritFrom(t, messages.SharedListener{Listener: "main", Address: "127.0.0.1:9876", FD: duplicate(t, fd)})
		require.EqualError(t, err, "cannot inherit 127.0.0.1:9876: not a listening TCP socket", name)
	}
	p, client := parcel(t, "main")
	_, err := inheritFrom(t, messages.SharedListener{Listener: "main", Address: "127.0.0.1:9876", FD: p.Client})
	require.EqualError(t, err, "cannot inherit 127.0.0.1:9876: not a listening TCP socket")
	gone(t, client)
}

// unshared has no descriptor left for one of its sockets.
type unshared struct{ *fakeProxy }

func (unshared) ShareListeners(context.Context) ([]messages.SharedListener, error) {
	return nil, errors.New("cannot share 127.0.0.1:9876: too many open files")
}

// A predecessor that cannot share all of its sockets says so: the successor would find the port taken, and not know why.
func TestASuccessorHearsWhatIsNotShared(t *testing.T) {
	path := newPath(t)
	e, err := Inherit(path, nil, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(e.Close)
	e.Serve(unshared{&fakeProxy{}})
	_, err = Inherit(path, nil, slog.New(slog.DiscardHandler))
	require.EqualError(t, err, `cannot get all listeners of the running proxy (hand_over = "`+path+`"): cannot share 127.0.0.1:9876: too many open files`)
}
