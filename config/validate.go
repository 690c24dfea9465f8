package config

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Values of a listener's brokers key.
const (
	PortPerBroker = "port-per-broker"
	OnePort       = "one-port" // refused in this version
)

// Validate tells every contradiction in a completed configuration. It looks at nothing but its argument.
// The error is a [*Problems].
func Validate(cfg *Config) error { return asError(check(cfg)) }

// checker goes through a configuration in the order of its keys.
type checker struct {
	cfg      *Config
	problems []Problem
}

func check(cfg *Config) []Problem {
	c := &checker{cfg: cfg}
	c.top()
	c.clusters()
	c.listeners()
	c.sockets()
	c.admin()
	c.metrics()
	c.limits()
	c.timeouts()
	return c.problems
}

// add notes a problem. value is written as TOML; about are the keys that it contradicts.
func (c *checker) add(key, value, fault, remedy string, about ...string) {
	p := Problem{Key: key, Owner: c.cfg.owner(key), Value: value, Fault: fault, Remedy: remedy, about: about}
	if value != "" {
		p.Origin = c.cfg.origin(key)
	}
	c.problems = append(c.problems, p)
}

func (c *checker) top() {
	c.name("stat_prefix", c.cfg.StatPrefix)
	if c.cfg.DrainTimeout < 0 {
		c.add("drain_timeout", quote(shortDuration(c.cfg.DrainTimeout)), "a drain cannot last less than no time",
			`write "0s" to close connections at once, or a duration such as "30s"`)
	}
	if c.cfg.DrainDelay < 0 {
		c.add("drain_delay", quote(shortDuration(c.cfg.DrainDelay)), "nobody can wait for less than no time",
			`write "0s" to begin at once, or a duration such as "10s"`)
	}
	c.socketPath("hand_over", c.cfg.HandOver)
	c.oneOf("log.level", c.cfg.Log.Level, "debug", "info", "warn", "error")
	c.oneOf("log.format", c.cfg.Log.Format, "text", "json")
}

func (c *checker) clusters() {
	if len(c.cfg.Clusters) == 0 {
		c.add("cluster", "", "there is none",
			"add a [[cluster]] with name_servers to the file, or start with --name-server host:port")
	}
	for i := range c.cfg.Clusters {
		cl, at := &c.cfg.Clusters[i], index("cluster", i)
		c.name(join(at, "name"), cl.Name)
		for j := range i {
			if c.cfg.Clusters[j].Name == cl.Name {
				c.taken(join(at, "name"), cl.Name, join(index("cluster", j), "name"))
			}
		}
		c.nameServers(join(at, "name_servers"), cl)
		c.above0(join(at, "refresh"), cl.Refresh)
		c.clusterTLS(join(at, "tls"), &cl.TLS)
		if len(cl.Brokers) > 0 {
			c.add(join(at, "broker"), "", "brokers without a name server are not available in this version",
				"set name_servers of the cluster and remove its [[cluster.broker]] tables")
		}
	}
}

func (c *checker) nameServers(key string, cl *Cluster) {
	if len(cl.NameServers) == 0 && len(cl.Brokers) == 0 {
		c.add(key, "[]", "a cluster is known only through its name servers", `list them as ["host:9876", "other:9876"]`)
	}
	for i, server := range cl.NameServers {
		at := index(key, i)
		if !c.hostPort(at, server) {
			continue
		}
		for j := range c.cfg.Listeners {
			if address := c.cfg.Listeners[j].Address; loops(server, address) {
				c.add(at, quote(server), fmt.Sprintf("that is the proxy's own listener %q", c.cfg.Listeners[j].Name),
					"name the real name server, or give the listener another port", join(index("listener", j), "address"))
			}
		}
	}
}

func (c *checker) metrics() {
	m := &c.cfg.Metrics
	if u, err := url.Parse(m.PushURL); m.PushURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		c.add("metrics.push_url", quote(mask(m.PushURL, "url")), "it is not a web address",
			`write it as "http://host:port/path" or "https://…"`)
	}
	if m.Address != "" {
		c.hostPort("metrics.address", m.Address)
	}
	c.above0("metrics.push_interval", m.PushInterval)
	for _, label := range sortedKeys(m.PushLabels) {
		if !labelName.MatchString(label) {
			c.add(join("metrics.push_labels", label), quote(m.PushLabels[label]), "it is not a name that a label may have",
				"use letters, digits and _ only, and no digit in front")
		}
	}
}

var labelName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (c *checker) above0(key string, d time.Duration) {
	if d <= 0 {
		c.add(key, quote(shortDuration(d)), "it must be above zero", `write a duration such as "1s"`)
	}
}

func (c *checker) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		c.add(key, quote(value), "it is not one of the words that are known here",
			`write "`+strings.Join(allowed, `", "`)+`"`)
	}
}

// nameForm keeps names fit for metrics, logs and URLs.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

func (c *checker) name(key, value string) {
	if !nameForm.MatchString(value) {
		c.add(key, quote(value), "it does not fit into the names of metrics", "use letters, digits, and - . _ between them")
	}
}

func (c *checker) taken(key, value, by string) {
	c.add(key, quote(value), fmt.Sprintf("%s is the same", by), "give each a name of its own", by)
}
