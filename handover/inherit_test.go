package handover

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// dead is the path of a proxy that was killed: the file is there, and nobody answers.
func dead(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	ln, err := listenAt(path)
	require.NoError(t, err)
	require.NoError(t, ln.Close())
	return path
}

// occupied is an address of somebody else.
func occupied(t *testing.T) (net.Listener, []Claim) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	return ln, []Claim{{"main", ln.Addr().String()}}
}

// Nobody comes back at hand_over: the error says what was waited for, and what is to be done.
func TestInheritingInVain(t *testing.T) {
	path := dead(t)
	_, needed := occupied(t)
	for _, path := range []string{path, filepath.Join(t.TempDir(), "none")} {
		synctest.Test(t, func(t *testing.T) {
			output := &bytes.Buffer{}
			begun := time.Now()
			_, err := Inherit(path, needed, slog.New(slog.NewTextHandler(output, nil)))
			require.EqualError(t, err, `cannot open listener "main" on `+needed[0].Address+`: address already in use, and nobody has answered at hand_over = "`+path+
				`" for 5s; end the process that has the address, or give both the same hand_over`)
			require.InDelta(t, 5, time.Since(begun).Seconds(), 0.2)
			require.Regexp(t, `^[^\n]*level=WARN msg="listen address in use, retrying" hand_over=\S+ listener=main address=\S+ timeout_seconds=5\n$`, output.String())
		})
	}
}

// Whoever has the address ends: there is nobody to succeed any more.
func TestInheritingFromOneThatEnds(t *testing.T) {
	ln, needed := occupied(t)
	path := dead(t)
	synctest.Test(t, func(t *testing.T) {
		time.AfterFunc(time.Second, func() { ln.Close() })
		begun := time.Now()
		h, err := Inherit(path, needed, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		h.Close()
		require.InDelta(t, 1, time.Since(begun).Seconds(), 0.2)
	})
}

// A proxy that dies while it is asked is not an error, but as if it had not been there.
func TestInheritingFromOneThatDies(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := listenAt(path)
	require.NoError(t, err)
	defer ln.Close()
	taken, needed := occupied(t)
	go func() {
		for until := range 3 { // before it says hello, then before and after it has given something
			nc, err := ln.AcceptUnix()
			if err != nil {
				t.Error(err)
				return
			}
			l := &conn{nc: nc}
			if until > 0 {
				l.send(hello{ID: "predecessor", PID: 1})
			}
			if until > 1 {
				fd := listening(t, "127.0.0.1:0")
				l.send(listener{Listener: "main", Address: "10.0.0.1:9876", Broker: "broker-a/0"}, fd)
				closeFD(fd)
			}
			l.close()
		}
		ln.Close()
		taken.Close()
	}()
	h, err := Inherit(path, needed, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.Empty(t, h.listeners)
	require.Equal(t, map[route.BrokerID]int{}, h.Ports("main", nil))
	h.Close()
}

// A start that has nobody to succeed does not wait.
func TestNothingToInherit(t *testing.T) {
	path := dead(t)
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		h, err := Inherit(path, nil, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		h.Close()
		require.Zero(t, time.Since(begun))
	})
}

// hand_over names a file by mistake: it is not replaced by a socket.
func TestAFileAtThePathIsKept(t *testing.T) {
	path := newPath(t)
	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
	s := serve(t, path, &fakeProxy{})
	require.Regexp(t, `msg="cannot listen at hand_over" hand_over=\S+ error="\S+ exists and is not a socket"\n$`, s.log.String())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "precious", string(text))
}

// Neither is a file whose name the socket might have until it is in its place.
func TestFilesBesideThePathAreKept(t *testing.T) {
	path := newPath(t)
	kept := []string{path + ".zzy", path + ".zzz", path + ".0"}
	for _, name := range kept {
		require.NoError(t, os.WriteFile(name, nil, 0o600))
	}
	ln, draft, err := listenAtDraft(path, drafts-2)
	require.NoError(t, err)
	require.Equal(t, path+".1", draft)
	ln.Close()
	for _, name := range kept {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.True(t, info.Mode().IsRegular())
	}
}
