package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// pusher pushes metrics to VictoriaMetrics by the library's own loop, and once more at the end.
type pusher struct {
	url    string
	write  func(io.Writer)
	opts   *metrics.PushOptions
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// lastPushPatience is how long the end of the process waits for the last push.
const lastPushPatience = 3 * time.Second

// startPush begins to push; with an empty push_url it does nothing.
func startPush(m config.Metrics, write func(io.Writer)) (*pusher, error) {
	p := &pusher{url: m.PushURL, write: write}
	if p.url == "" {
		return p, nil
	}
	var labels []string
	for _, name := range slices.Sorted(maps.Keys(m.PushLabels)) {
		labels = append(labels, fmt.Sprintf("%s=%q", name, m.PushLabels[name]))
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.opts = &metrics.PushOptions{ExtraLabels: strings.Join(labels, ","), WaitGroup: &p.done}
	if err := metrics.InitPushExtWithOptions(ctx, p.url, m.PushInterval, write, p.opts); err != nil {
		cancel()
		return nil, fmt.Errorf("cannot push metrics (metrics.push_url, push_interval, push_labels): %w", err)
	}
	return p, nil
}

// close ends the loop and pushes what moved since.
func (p *pusher) close(log *slog.Logger) {
	if p.url == "" {
		return
	}
	p.cancel()
	p.done.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), lastPushPatience)
	defer cancel()
	opts := *p.opts
	opts.WaitGroup = nil
	if err := metrics.PushMetricsExt(ctx, p.url, p.write, &opts); err != nil {
		log.Error("cannot push the last metrics", "error", err)
	}
}
