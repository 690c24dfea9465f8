package config

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Values of a listener's keys brokers and unnamed.
const (
	PortPerBroker = "port-per-broker"
	OnePort       = "one-port"

	Refuse  = "refuse"
	Balance = "balance"
)

// Validate finds every contradiction in a completed configuration. It looks at nothing but its argument; the error is a
// [*Problems]. Files, directories and sockets are checked by the package server.
func Validate(cfg *Config) error { return NewProblems(check(cfg)) }

// checker visits the keys of a configuration in their order.
type checker struct {
	cfg      *Config
	problems []Problem

	clusterList, listenerList entries
	metadata                  map[int]metadata // of clusters, by their numbers
}

func check(cfg *Config) []Problem {
	c := &checker{
		cfg:          cfg,
		clusterList:  newEntries("cluster", len(cfg.Clusters), func(i int) string { return cfg.Clusters[i].Name }),
		listenerList: newEntries("listener", len(cfg.Listeners), func(i int) string { return cfg.Listeners[i].Name }),
		metadata:     map[int]metadata{},
	}
	c.top()
	c.clusters()
	c.listeners()
	c.routes()
	c.maintenance()
	c.requestLimits()
	c.sockets()
	c.admin()
	c.metrics()
	c.limits()
	c.timeouts()
	c.oneOf("transport.io_uring", c.cfg.Transport.IOUring, IOUringAuto, IOUringOff)
	return c.problems
}

// add notes a problem. value is in TOML; about are the keys that it contradicts.
func (c *checker) add(key, value, fault, remedy string, about ...string) {
	p := Problem{Key: key, Owner: c.cfg.owner(key), Value: value, Fault: fault, Remedy: remedy, about: about}
	if value != "" {
		p.Origin = c.cfg.origin(key)
	}
	c.problems = append(c.problems, p)
}

func (c *checker) top() {
	c.name("stat_prefix", c.cfg.StatPrefix)
	c.from0("drain_timeout", c.cfg.DrainTimeout, "to close connections at once")
	c.from0("drain_delay", c.cfg.DrainDelay, "to begin at once")
	c.socketPath("hand_over", c.cfg.HandOver)
	c.oneOf("log.level", c.cfg.Log.Level, "debug", "info", "warn", "error")
	c.oneOf("log.format", c.cfg.Log.Format, "text", "json")
}

func (c *checker) clusters() {
	if len(c.cfg.Clusters) == 0 {
		c.add("cluster", "", "no cluster is configured",
			"add a [[cluster]] with name_servers to the file, or start with --name-server host:port")
	}
	names, ours := map[string]string{}, c.cfg.listenersByAddress()
	for i := range c.cfg.Clusters {
		cl, at := &c.cfg.Clusters[i], index("cluster", i)
		c.name(join(at, "name"), cl.Name)
		c.taken(join(at, "name"), cl.Name, names)
		c.sourceOf(at, cl, ours)
		c.above0(join(at, "refresh"), cl.Refresh)
		c.parkTimeout(join(at, "park_timeout"), cl.ParkTimeout)
		c.clusterTLS(join(at, "tls"), &cl.TLS)
	}
}

func (c *checker) metrics() {
	m := &c.cfg.Metrics
	if m.PushURL != "" && !isWebURL(m.PushURL) {
		c.add("metrics.push_url", quote(Mask(m.PushURL)), "must be an HTTP or HTTPS URL",
			`write it as "http://host:port/path" or "https://…"`)
	}
	if m.Address != "" {
		c.hostPort("metrics.address", m.Address)
	}
	c.above0("metrics.push_interval", m.PushInterval)
	for _, label := range sortedKeys(m.PushLabels) {
		if !labelName.MatchString(label) {
			c.add(join("metrics.push_labels", label), quote(m.PushLabels[label]), "is not a valid label name",
				"use letters, digits and _, and do not begin with a digit")
		}
	}
}

// isWebURL reports whether a text is a URL that HTTP can be spoken to.
func isWebURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	port, err := strconv.ParseUint(cmp.Or(u.Port(), "80"), 10, 16)
	return u.Hostname() != "" && err == nil && port > 0
}

var labelName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (c *checker) above0(key string, d time.Duration) {
	if d <= 0 {
		c.add(key, quote(shortDuration(d)), "must be above zero", `write a duration such as "1s"`)
	}
}

// from0 checks a duration that has a meaning of its own when it is zero.
func (c *checker) from0(key string, d time.Duration, zero string) {
	if d < 0 {
		c.add(key, quote(shortDuration(d)), "must not be negative", fmt.Sprintf(`write "0s" %s, or a duration such as "30s"`, zero))
	}
}

func (c *checker) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		words := `"` + strings.Join(allowed, `", "`) + `"`
		if len(allowed) == 1 {
			c.add(key, quote(value), "must be "+words, "write it so, or remove it")
			return
		}
		c.add(key, quote(value), "must be one of "+words, "choose one of them")
	}
}
