package config

import (
	"fmt"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// parkLimit is what clients wait for an answer: a request must not be parked for so long.
const parkLimit = 3 * time.Second

func (c *checker) parkTimeout(key string, d time.Duration) {
	if d <= 0 || d >= parkLimit {
		c.add(key, quote(shortDuration(d)), "must be above zero and below 3s, which is how long clients wait for an answer", `write a duration such as "2s"`)
	}
}

func (c *checker) maintenance() {
	targets := map[[3]string]string{}
	for i := range c.cfg.Maintenance {
		m, at := &c.cfg.Maintenance[i], index("maintenance", i)
		c.entry(join(at, "cluster"), m.Cluster, &c.clusterList, "")
		c.oneOf(join(at, "mode"), m.Mode, route.ModeReadOnly, route.ModeOff)
		c.from0(join(at, "grace"), m.Grace, "to refuse at once")
		target := [3]string{m.Cluster, m.Broker, m.Topic}
		if target == ([3]string{}) {
			c.add(at, "", "it does not say what is in maintenance", "write cluster, broker or topic, or several of them")
			continue
		}
		if by, has := targets[target]; has {
			c.add(at, "", fmt.Sprintf("is about the same as %s", by), "remove one of them", by)
			continue
		}
		targets[target] = at
	}
}
