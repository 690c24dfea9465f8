package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/exposition"
)

// pusher pushes metrics to VictoriaMetrics, and once more at the end. The library's own loop logs by itself, each time,
// and with the token of the URL, and its push reads all that the receiver answers.
type pusher struct {
	url      string
	interval time.Duration
	write    func(io.Writer)
	opts     *metrics.PushOptions
	log      *slog.Logger
	cancel   context.CancelFunc
	done     chan struct{}

	failures int // since the last line
	failed   bool
	loggedAt time.Time
}

const (
	// lastPushTimeout is how long the end of the process waits for the last push.
	lastPushTimeout = 3 * time.Second
	// pushLogInterval is how often a push that keeps failing is logged.
	pushLogInterval = time.Minute
)

// startPush begins to push; with an empty push_url it does nothing.
func startPush(m config.Metrics, log *slog.Logger, write func(io.Writer)) (*pusher, error) {
	p := &pusher{url: m.PushURL, interval: m.PushInterval, write: write, log: log, done: make(chan struct{})}
	if p.url == "" {
		return p, nil
	}
	var labels []string
	for _, name := range slices.Sorted(maps.Keys(m.PushLabels)) {
		labels = append(labels, name, m.PushLabels[name])
	}
	p.opts = &metrics.PushOptions{ExtraLabels: exposition.Labels(labels...)}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	if err := p.check(); err != nil {
		cancel()
		return nil, err
	}
	go p.run(ctx)
	return p, nil
}

// check has the library look at the URL and the labels; nothing is sent.
func (p *pusher) check() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := metrics.PushMetricsExt(ctx, p.url, func(io.Writer) {}, p.opts); err != nil {
		return fmt.Errorf("cannot push metrics (metrics.push_url, push_interval, push_labels): %s", config.Mask(err.Error()))
	}
	return nil
}

func (p *pusher) run(ctx context.Context) {
	defer close(p.done)
	tick := time.NewTicker(p.interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.note(p.push(ctx, max(p.interval, lastPushTimeout)), time.Now()) // a busy machine needs more than a short interval
		}
	}
}

func (p *pusher) push(ctx context.Context, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return p.send(ctx)
}

// note logs the first failure, one of those that follow in each minute, and the end of them.
func (p *pusher) note(err error, now time.Time) {
	switch {
	case err == nil:
		if p.failed {
			p.log.Info("metrics pushed again", "count", p.failures)
		}
		p.failed, p.failures, p.loggedAt = false, 0, time.Time{}
		return
	case p.failed && now.Sub(p.loggedAt) < pushLogInterval:
		p.failures++
		return
	}
	p.log.Error("cannot push metrics", "error", config.Mask(err.Error()), "count", p.failures+1)
	p.failed, p.failures, p.loggedAt = true, 0, now
}

// abandon ends the loop and pushes nothing more.
func (p *pusher) abandon() {
	if p.cancel != nil {
		p.cancel()
	}
}

// close ends the loop and pushes what moved since.
func (p *pusher) close() {
	if p.url == "" {
		return
	}
	p.cancel()
	<-p.done
	if err := p.push(context.Background(), lastPushTimeout); err != nil {
		p.log.Error("cannot push the last metrics", "error", config.Mask(err.Error()))
	}
}
