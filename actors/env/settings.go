package env

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/limit"
)

// Settings are the numbers that the actors work by. The zero value means the defaults.
type Settings struct {
	BufferPerConnection    int           // bytes that may be kept for one client; 0: 1 MiB
	ConnectionsPerListener int           // on all ports of one listener; 0: no limit
	ConnectionsPerAddress  int           // of them, from one address; 0: no limit
	RequestsPerConnection  int           // that wait for their answers; 0: no limit
	IdleTimeout            time.Duration // a connection without traffic in either direction is closed; 0: 120 s
	FirstByteTimeout       time.Duration // so is one without a first request; 0: 30 s
	HeaderTimeout          time.Duration // so is one that leaves a header incomplete; 0: 10 s
	WriteStallTimeout      time.Duration // so is one that takes nothing of what is kept for it; 0: 60 s
	ConnectionAge          time.Duration // a connection is let go when it is older, ± 10 %; 0: never
	GoAway                 bool          // clients that are let go for their age are told so (1500), if they understand it
	OnePortTimeout         time.Duration // one port: what takes longer is answered by the proxy (timeouts.one_port); 0: never
	QueryTimeout           time.Duration // one query to one name server; 0: 1 s
	MaxFrame               int           // bytes; 0: 16 MiB
	MaxHeader              int           // bytes; 0: 1 MiB
	Limits                 *limit.Set    // [[limit]]; nil: none
}

func (s Settings) withDefaults() Settings {
	if s.BufferPerConnection <= 0 {
		s.BufferPerConnection = 1 << 20
	}
	for _, d := range []struct {
		timeout *time.Duration
		usual   time.Duration
	}{
		{&s.IdleTimeout, 120 * time.Second},
		{&s.FirstByteTimeout, 30 * time.Second},
		{&s.HeaderTimeout, 10 * time.Second},
		{&s.WriteStallTimeout, 60 * time.Second},
		{&s.QueryTimeout, time.Second},
	} {
		if *d.timeout <= 0 {
			*d.timeout = d.usual
		}
	}
	return s
}
