package server

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// certificates are the TLS files of all listeners and clusters, looked at every few seconds. Their contents are
// compared, not their times: that also sees a Kubernetes secret, whose directory is swapped by a symlink, and works
// on every file system.
type certificates struct {
	mu   sync.Mutex
	kept []*keptTLS
	set  *metrics.Set // nil until describe

	stop chan struct{}
	done chan struct{}
}

// lookEvery is how late a new certificate may be used. Reading a few small files costs nothing.
const lookEvery = 3 * time.Second

// keptTLS is the last good configuration that could be made of some files.
type keptTLS struct {
	kind, name string // "listener" or "cluster", as the label of metrics
	log        *slog.Logger
	files      tlsFiles
	current    atomic.Pointer[tls.Config]

	seen map[string][]byte // what was looked at last, good or bad
	bad  error             // why that is not used; nil: it is

	reloads, failures *metrics.Counter // set by describe, before anybody looks again
}

// keep loads files for the first time. An error then is one of the start. What was kept for the same listener or
// cluster before is not looked at any more.
func (cs *certificates) keep(kind, name string, log *slog.Logger, files tlsFiles) (*keptTLS, error) {
	if k := cs.keeps(kind, name, files); k != nil {
		return k, nil
	}
	k := &keptTLS{kind: kind, name: name, log: log, files: files}
	cfg, text, err := load(files)
	if err != nil {
		return nil, err
	}
	k.seen = text
	k.current.Store(cfg)
	if expiry := k.expiry(); !expiry.IsZero() && time.Now().After(expiry) {
		log.Warn("the certificate has expired; peers that check it will refuse it", kind, name, "expired", expiry)
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.kept = append(slices.DeleteFunc(cs.kept, func(old *keptTLS) bool { return old.kind == kind && old.name == name }), k)
	if cs.set != nil {
		k.describe(cs.set)
	}
	return k, nil
}

// keeps finds what is kept already: a reload that changes something else of a listener asks again.
func (cs *certificates) keeps(kind, name string, files tlsFiles) *keptTLS {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, k := range cs.kept {
		if k.kind == kind && k.name == name && reflect.DeepEqual(k.files, files) {
			return k
		}
	}
	return nil
}

// look takes changed files into use. What is bad is told once and changes nothing.
func (cs *certificates) look() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, k := range cs.kept {
		k.look()
	}
}

// bad tells which files are not used as they are, and why. They were told when they were looked at first, but whoever
// reloads asks about now.
func (cs *certificates) bad() (lines []string) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, k := range cs.kept {
		if k.bad != nil {
			lines = append(lines, fmt.Sprintf("TLS files of %s %q: %v", k.kind, k.name, k.bad))
		}
	}
	return lines
}

func (cs *certificates) watch() {
	cs.stop, cs.done = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(cs.done)
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-cs.stop:
				return
			case <-tick.C:
				cs.look()
			}
		}
	}()
}

func (cs *certificates) close() {
	close(cs.stop)
	<-cs.done
}

func (k *keptTLS) look() {
	text, err := read(k.files.paths())
	if maps.EqualFunc(text, k.seen, bytes.Equal) {
		return
	}
	k.seen = text
	var cfg *tls.Config
	if err == nil {
		cfg, err = k.files.build(text)
	}
	k.bad = err
	if err != nil {
		k.failures.Inc()
		k.log.Error("cannot use changed TLS files; going on with what was loaded before", k.kind, k.name, "error", err, "certificate expires", k.expiry())
		return
	}
	k.current.Store(cfg)
	k.reloads.Inc()
	k.log.Info("TLS files have changed; new connections use them", k.kind, k.name, "certificate expires", k.expiry())
}

// expiry is when the certificate in use, or one of its chain, expires; zero: there is no certificate.
func (k *keptTLS) expiry() (first time.Time) {
	for _, pair := range k.current.Load().Certificates {
		for _, der := range pair.Certificate {
			c, err := x509.ParseCertificate(der)
			if err == nil && (first.IsZero() || c.NotAfter.Before(first)) {
				first = c.NotAfter
			}
		}
	}
	return first
}

// describe registers the metrics of all files that are kept, and of those that will be.
func (cs *certificates) describe(set *metrics.Set) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.set = set
	for _, k := range cs.kept {
		k.describe(set)
	}
}

func (k *keptTLS) describe(set *metrics.Set) {
	label := fmt.Sprintf("%s=%q", k.kind, k.name)
	gauge := func(name string, value func() float64) {
		name += "{" + label + "}"
		set.UnregisterMetric(name) // of who was kept before
		set.NewGauge(name, value)
	}
	if len(k.current.Load().Certificates) > 0 {
		gauge("rocketmq_proxy_tls_certificate_expiry_timestamp_seconds", func() float64 { return float64(k.expiry().Unix()) })
	}
	if k.kind == "cluster" {
		gauge("rocketmq_proxy_tls_insecure_skip_verify", func() float64 {
			if k.current.Load().InsecureSkipVerify {
				return 1
			}
			return 0
		})
	}
	k.reloads = set.GetOrCreateCounter("rocketmq_proxy_tls_reloads_total{" + label + `,result="success"}`)
	k.failures = set.GetOrCreateCounter("rocketmq_proxy_tls_reloads_total{" + label + `,result="failure"}`)
}
