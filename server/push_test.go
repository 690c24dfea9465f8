package server

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// A push that keeps failing is logged once a minute with the number of failures, and once when it is over.
func TestFailedPushesAreSampled(t *testing.T) {
	output := &proxytest.Log{}
	p := &pusher{log: slog.New(slog.NewTextHandler(output, nil))}
	now, failure := time.Now(), errors.New("down")
	for range 130 { // a failure each second
		p.note(failure, now)
		now = now.Add(time.Second)
	}
	require.Equal(t, 3, strings.Count(output.String(), "cannot push metrics"))
	require.True(t, output.Has("cannot push metrics", "count=1"))
	require.True(t, output.Has("cannot push metrics", "count=60"))
	p.note(nil, now)
	p.note(nil, now)
	require.Equal(t, 1, strings.Count(output.String(), "metrics pushed again"))
	p.note(failure, now)
	require.Equal(t, 4, strings.Count(output.String(), "cannot push metrics"), "a new outage is told at once")
}

// What the library says of a failure comes without the secrets of the URL, also at the end.
func TestFailedPushesShowNoSecret(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer receiver.Close()
	output := &proxytest.Log{}
	url := strings.Replace(receiver.URL, "//", "//me:hush1@", 1) + "/import?token=hush2"
	p, err := startPush(config.Metrics{PushURL: url, PushInterval: 100 * time.Millisecond}, slog.New(slog.NewTextHandler(output, nil)), func(io.Writer) {})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return asked.Load() > 3 }, patience, time.Millisecond)
	p.close()
	require.True(t, output.Has("cannot push metrics", "500"))
	require.True(t, output.Has("cannot push the last metrics", "500"))
	require.NotContains(t, output.String(), "hush")

	_, err = startPush(config.Metrics{PushURL: "ftp://me:hush1@host/?token=hush2", PushInterval: time.Second}, slog.New(slog.DiscardHandler), nil)
	require.ErrorContains(t, err, "cannot push metrics (metrics.push_url")
	require.NotContains(t, err.Error(), "hush")
	_, err = startPush(config.Metrics{PushURL: receiver.URL, PushInterval: time.Second, PushLabels: map[string]string{"not a label": "x"}}, slog.New(slog.DiscardHandler), nil)
	require.Error(t, err)
}

// A receiver that refuses and never stops to say why is cut off after some bytes, and does not fill the memory.
func TestAnEndlessAnswerToAPushIsCutOff(t *testing.T) {
	var written atomic.Int64
	cut := make(chan struct{})
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		defer close(cut)
		w.WriteHeader(http.StatusInternalServerError)
		for err := error(nil); err == nil && written.Load() < 128<<20; {
			var n int
			n, err = w.Write(bytes.Repeat([]byte("no "), 20_000))
			written.Add(int64(n))
		}
	}))
	defer receiver.Close()
	p := &pusher{url: receiver.URL, write: func(io.Writer) {}, opts: &metrics.PushOptions{}}
	err := p.push(t.Context(), patience)
	require.Regexp(t, `^the receiver answers 500 Internal Server Error: "(no )+(n|no)?"$`, err)
	require.Less(t, len(err.Error()), 600)
	<-cut
	require.Less(t, written.Load(), int64(64<<20), "what the sockets hold")
}

// Every sample gets the labels of push_labels, comments stay as they are.
func TestPushedSamplesHaveLabels(t *testing.T) {
	var got atomic.Pointer[string]
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		zr, err := gzip.NewReader(r.Body)
		if err != nil {
			return
		}
		text, _ := io.ReadAll(zr)
		got.Store(new(string(text)))
	}))
	defer receiver.Close()
	p := &pusher{url: receiver.URL, opts: &metrics.PushOptions{ExtraLabels: `a="b"`}, write: func(w io.Writer) {
		io.WriteString(w, "# HELP up It {is} up.\nup 1\nat{host=\"x y\"} 2\n")
	}}
	require.NoError(t, p.push(t.Context(), patience))
	require.Equal(t, "# HELP up It {is} up.\nup{a=\"b\"} 1\nat{a=\"b\",host=\"x y\"} 2\n", *got.Load())
	p.opts.ExtraLabels = ""
	require.NoError(t, p.push(t.Context(), patience))
	require.Equal(t, "# HELP up It {is} up.\nup 1\nat{host=\"x y\"} 2\n", *got.Load())
}
