package admin

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// patience bounds what must come.
const patience = 30 * time.Second

// fakeBackend is a proxy that is not ready for one reason.
type fakeBackend struct{ Backend }

func (fakeBackend) NotReady() []string       { return []string{"draining"} }
func (fakeBackend) WriteMetrics(w io.Writer) { io.WriteString(w, "up 1\n") }

func serveMetrics(t *testing.T) *Server {
	t.Helper()
	s, err := ListenMetrics(config.Metrics{Address: "127.0.0.1:0"}, slog.New(slog.DiscardHandler), fakeBackend{})
	require.NoError(t, err)
	s.Serve()
	t.Cleanup(s.Close)
	return s
}

// The address of metrics serves them and the probes, whatever the host, and nothing else.
func TestTheMetricsAddressServesMetricsAndProbesAlone(t *testing.T) {
	s := serveMetrics(t)
	for path, want := range map[string]string{
		"/metrics": "200 up 1\n", "/healthz": "200 ok\n", "/readyz": "503 draining\n",
		"/": "404", "/clients": "404", "/stats": "404", "/actors": "404", "/debug/pprof/": "404",
	} {
		r, err := http.NewRequest("GET", "http://"+s.Addr()+path, nil)
		require.NoError(t, err)
		r.Host = "metrics.example"
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		answer.Body.Close()
		got := fmt.Sprint(answer.StatusCode)
		if answer.StatusCode != http.StatusNotFound {
			got += " " + string(text)
		}
		require.Equal(t, want, got, path)
	}
	answer, err := http.Post("http://"+s.Addr()+"/drain", "", nil)
	require.NoError(t, err)
	answer.Body.Close()
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
	none, err := ListenMetrics(config.Metrics{}, nil, nil)
	require.NoError(t, err)
	none.Serve()
	none.Close()
}

// A request whose body never comes is answered, and its connection ends.
func TestABodyThatNeverComesHoldsNoConnection(t *testing.T) {
	s := serveMetrics(t)
	for _, method := range []string{"GET", "POST"} {
		for _, body := range []string{"Content-Length: 10", "Transfer-Encoding: chunked"} {
			nc, err := net.Dial("tcp", s.Addr())
			require.NoError(t, err)
			defer nc.Close()
			nc.SetDeadline(time.Now().Add(readTimeout / 2))
			fmt.Fprintf(nc, "%s /healthz HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", method, body)
			r := bufio.NewReader(nc)
			answer, err := http.ReadResponse(r, nil)
			require.NoError(t, err)
			require.True(t, answer.Close)
			_, err = io.Copy(io.Discard, r)
			require.NoError(t, err, "%s with %s: the connection ends", method, body)
		}
	}
}

// Each step of a request has a deadline, and so has a connection without one.
func TestTheServerHasEveryLimit(t *testing.T) {
	s := serveMetrics(t)
	require.Equal(t, readTimeout, s.http.ReadTimeout)
	require.Equal(t, idleTimeout, s.http.IdleTimeout)
	require.Equal(t, headerLimit, s.http.MaxHeaderBytes)
	require.Positive(t, writeTimeout)
}

// Beyond the limit connections are closed, and there is room again when one ends. One address has no more than half.
func TestConnectionsAreLimited(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	limited := limited(ln, 4)
	defer limited.Close()
	accepted := make(chan net.Conn, 10)
	go func() {
		for {
			nc, err := limited.Accept()
			if err != nil {
				return
			}
			accepted <- nc
		}
	}()
	dial := func(from string) net.Conn {
		t.Helper()
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		nc, err := d.Dial("tcp", ln.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { nc.Close() })
		nc.SetDeadline(time.Now().Add(patience))
		return nc
	}
	refused := func(from string) {
		t.Helper()
		_, err := dial(from).Read(make([]byte, 1))
		require.Error(t, err)
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
	}
	const one, other, third = "127.0.0.1", "127.0.0.2", "127.0.0.3"
	dial(one)
	dial(one)
	first := <-accepted
	<-accepted
	refused(one)
	dial(other)
	dial(other)
	<-accepted
	<-accepted
	refused(third)
	first.Close()
	first.Close() // twice is once
	dial(third)
	<-accepted
	refused(one)
}

// Parameters of lists are read, bounded, and refused with what they may be.
func TestParametersOfConnections(t *testing.T) {
	f := func(query string) (actors.Filter, actors.Page, error) {
		values, err := url.ParseQuery(query)
		require.NoError(t, err)
		return parse(values)
	}
	filter, page, err := f("search=abc&listener=office&broker=broker-a/0&sort=idle_seconds&limit=20&offset=40")
	require.NoError(t, err)
	require.Equal(t, actors.Filter{Search: "abc", Listener: "office", Broker: "broker-a/0"}, filter)
	require.Equal(t, actors.Page{Sort: "idle_seconds", Limit: 20, Offset: 40}, page)
	_, page, err = f("")
	require.NoError(t, err)
	require.Equal(t, actors.Page{Limit: 1000}, page)
	_, _, err = f("limit=10001")
	require.EqualError(t, err, "cannot use limit=10001; must be a number from 0 to 10000")
	_, _, err = f("offset=-1")
	require.ErrorContains(t, err, "cannot use offset=-1")
	_, _, err = f("sort=color")
	require.EqualError(t, err, `cannot sort by "color"; must be one of age_seconds, bytes_kept, client_id, idle_seconds, remote, requests_in_flight, version`)
}

// Clients are shown with the version that people know (PROTOCOL.md A.4).
func TestVersionsHaveNames(t *testing.T) {
	for ordinal, want := range map[int32]string{
		0: "", 45: "45", 213: "4.0.0", 232: "4.1.0-SNAPSHOT", 233: "4.1.0", 317: "4.5.2", 399: "4.9.3", 401: "4.9.4",
		412: "5.0.0-SNAPSHOT", 413: "5.0.0", 441: "5.1.4", 475: "5.3.1", 513: "5.5.0", 30000: "30000", -1: "-1",
	} {
		require.Equal(t, want, versionName(ordinal), ordinal)
	}
}
