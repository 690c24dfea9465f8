package translate

import (
	"encoding/json"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// Group is how a consumer group is configured at its brokers (SubscriptionGroupConfig.java).
type Group struct {
	Enabled        bool
	Orderly        bool // fifo
	RetryMaxTimes  int
	ConsumeTimeout time.Duration // the lease of its messages
	exponential    *exponential  // nil: customized
	customized     []time.Duration
}

type exponential struct {
	initial, max time.Duration
	multiplier   float64
}

// DefaultGroup is what a broker makes of a group that it does not know.
func DefaultGroup() Group {
	return Group{Enabled: true, RetryMaxTimes: 16, ConsumeTimeout: 15 * time.Minute, customized: defaultBackoff}
}

// defaultBackoff is CustomizedRetryPolicy.java's.
var defaultBackoff = []time.Duration{
	time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 3 * time.Minute, 4 * time.Minute,
	5 * time.Minute, 6 * time.Minute, 7 * time.Minute, 8 * time.Minute, 9 * time.Minute, 10 * time.Minute, 20 * time.Minute,
	30 * time.Minute, time.Hour, 2 * time.Hour,
}

// GroupConfig asks a broker how a group is configured.
func GroupConfig(group string) *codec.Command {
	return command(codec.ReqGetSubscriptionGroupConfig, map[string]string{"group": group})
}

// ReadGroup reads the answer. Brokers that do not know the group, or the question, give the defaults.
func ReadGroup(answer *codec.Command) Group {
	g := DefaultGroup()
	if answer.Code != codec.ResSuccess {
		return g
	}
	var c struct {
		ConsumeEnable         *bool
		ConsumeMessageOrderly bool
		RetryMaxTimes         *int
		ConsumeTimeoutMinute  int
		GroupRetryPolicy      *struct {
			Type                   string
			ExponentialRetryPolicy *struct {
				Initial, Max int64
				Multiplier   float64
			}
			CustomizedRetryPolicy *struct{ Next []int64 }
		}
	}
	if json.Unmarshal(answer.Body, &c) != nil {
		return g
	}
	g.Orderly = c.ConsumeMessageOrderly
	if c.ConsumeEnable != nil {
		g.Enabled = *c.ConsumeEnable
	}
	if c.RetryMaxTimes != nil && *c.RetryMaxTimes >= 0 {
		g.RetryMaxTimes = *c.RetryMaxTimes
	}
	if c.ConsumeTimeoutMinute > 0 {
		g.ConsumeTimeout = min(time.Duration(c.ConsumeTimeoutMinute)*time.Minute, maxInvisible)
	}
	p := c.GroupRetryPolicy
	switch {
	case p == nil:
	case p.Type == "EXPONENTIAL":
		g.exponential = &exponential{5 * time.Second, 2 * time.Hour, 2}
		if e := p.ExponentialRetryPolicy; e != nil {
			g.exponential = &exponential{time.Duration(e.Initial) * time.Millisecond, time.Duration(e.Max) * time.Millisecond, e.Multiplier}
		}
	case p.CustomizedRetryPolicy != nil && len(p.CustomizedRetryPolicy.Next) > 0:
		g.customized = nil
		for _, ms := range p.CustomizedRetryPolicy.Next {
			g.customized = append(g.customized, time.Duration(ms)*time.Millisecond)
		}
	}
	return g
}

// MaxAttempts is how often a message is delivered before it goes to the dead letters.
func (g Group) MaxAttempts() int32 { return int32(g.RetryMaxTimes) + 1 }

// backoff is how long consumers wait between attempts. The Node SDK knows no customized one.
func (g Group) backoff(onlyExponential bool) *pb.RetryPolicy {
	p := &pb.RetryPolicy{MaxAttempts: g.MaxAttempts()}
	e := g.exponential
	if e == nil && onlyExponential {
		e = &exponential{5 * time.Second, 2 * time.Hour, 2}
	}
	if e != nil {
		p.Strategy = exponentialBackoff(e.initial, e.max, float32(e.multiplier))
		return p
	}
	next := &pb.CustomizedBackoff{}
	for _, d := range g.customized {
		next.Next = append(next.Next, durationpb.New(d))
	}
	p.Strategy = &pb.RetryPolicy_CustomizedBackoff{CustomizedBackoff: next}
	return p
}

func exponentialBackoff(initial, most time.Duration, multiplier float32) *pb.RetryPolicy_ExponentialBackoff {
	return &pb.RetryPolicy_ExponentialBackoff{ExponentialBackoff: &pb.ExponentialBackoff{
		Initial: durationpb.New(initial), Max: durationpb.New(most), Multiplier: multiplier,
	}}
}
