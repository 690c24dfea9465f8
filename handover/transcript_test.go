package handover

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// line is one message of a recorded conversation: who says it ("<" the process that is called, ">" the caller, "=" what
// came of it), its text, and how many descriptors came with it.
type line struct {
	who, text   string
	descriptors int
}

func transcript(t *testing.T, file string) (all []line) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	require.NoError(t, err)
	for row := range strings.Lines(string(text)) {
		who, rest, ok := strings.Cut(strings.TrimSpace(row), " ")
		if !ok || who == "#" {
			continue
		}
		l := line{who: who, text: rest}
		if i := strings.LastIndex(rest, " +"); i > 0 {
			l.text, l.descriptors = rest[:i], int(rest[i+2]-'0')
		}
		all = append(all, l)
	}
	require.NotEmpty(t, all)
	return all
}

// says wants a message to be the one that was recorded; who says hello, and from which process, differs.
func says(t *testing.T, want line, c *conn) {
	t.Helper()
	var got map[string]any
	fds, err := c.receive(&got)
	require.NoError(t, err)
	require.Len(t, fds, want.descriptors, want.text)
	closeAll(fds)
	if _, hello := got["id"]; hello {
		got["id"], got["pid"] = "", 0
	}
	text, err := json.Marshal(got)
	require.NoError(t, err)
	require.JSONEq(t, want.text, string(text))
}

func dialRaw(t *testing.T, path string) *conn {
	t.Helper()
	nc, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	return &conn{nc: nc, timeout: patience}
}

func speak(t *testing.T, l line, c *conn) {
	t.Helper()
	var fds []int
	if l.descriptors > 0 {
		p, _ := parcel(t, "")
		for range l.descriptors {
			fds = append(fds, p.Client)
		}
		defer closeFD(p.Client)
	}
	require.NoError(t, c.send(json.RawMessage(l.text), fds...))
}

// Processes of both versions that ask or give are answered as they were when this was recorded.
func TestCallersOfEachVersionAreUnderstood(t *testing.T) {
	for _, file := range []string{"v0-inherit.txt", "v1-connections.txt", "v2-connections.txt"} {
		t.Run(file, func(t *testing.T) {
			path := newPath(t)
			sockets := [2]*messages.HandedOverConnection{}
			for i := range sockets {
				sockets[i], _ = parcel(t, "")
			}
			e := serve(t, path, &fakeProxy{refuses: "other", shares: []messages.SharedListener{
				{Listener: "main", Address: "10.0.0.1:9876", FD: sockets[0].Client},
				{Listener: "main", Address: "10.0.0.1:20000", Broker: "broker-a/0", FD: sockets[1].Client},
			}})
			var c *conn
			for _, l := range transcript(t, file) {
				switch l.who {
				case "<":
					if c == nil {
						c = dialRaw(t, path)
					}
					says(t, l, c)
				case ">":
					speak(t, l, c)
				case "=":
					c.close()
					require.Eventually(t, func() bool { return strings.Contains(e.log.String(), "connections adopted") }, patience, time.Millisecond)
					require.EqualValues(t, l.text[len("adopted ")]-'0', e.proxy.count())
				}
			}
		})
	}
}

// A predecessor says to a successor of either version what it said when this was recorded.
func TestSuccessorsOfEachVersionAreSpokenTo(t *testing.T) {
	for version, file := range map[int]string{1: "v1-connections.txt", 2: "v2-connections.txt"} {
		t.Run(file, func(t *testing.T) {
			lines := transcript(t, file)[1:]
			ended := make(chan struct{})
			s := fakeSuccessor(t, version, func(c *conn) {
				defer close(ended)
				for _, l := range lines {
					switch l.who {
					case "<":
						require.NoError(t, c.send(json.RawMessage(l.text)))
					case ">":
						says(t, l, c)
					}
				}
			})
			for _, l := range lines {
				var r request
				if l.who == ">" {
					require.NoError(t, json.Unmarshal([]byte(l.text), &r))
				}
				if r.State == nil {
					continue
				}
				p, _ := parcel(t, "")
				p.State = *r.State
				for range l.descriptors - 1 {
					p.Upstreams = append(p.Upstreams, duplicate(t, p.Client))
				}
				_, _, _ = s.Give(p)
			}
			s.Close()
			<-ended
		})
	}
}
