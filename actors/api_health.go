package actors

import (
	"slices"
	"strings"
	"time"
)

// Health is the supervision tree with what has failed in it.
type Health struct {
	*ActorHealth
	Failures []FailureEvent `json:"failures"` // the latest first; also of actors that are gone
}

// ActorHealth is one live actor with its children.
type ActorHealth struct {
	Name      string         `json:"name"`
	Kind      string         `json:"kind"`
	Restarts  int            `json:"restarts"`
	LastError string         `json:"last_error,omitempty"`
	LastAt    *time.Time     `json:"last_error_at,omitempty"`
	Children  []*ActorHealth `json:"children,omitempty"`
}

// OnFailure has f called with the kind of each actor that fails. It is to be set before Start.
func (p *Proxy) OnFailure(f func(kind string)) { p.env.Failures.OnFailure = f }

// Health looks at every live actor.
func (p *Proxy) Health() *Health {
	h := &Health{ActorHealth: p.actorTree(), Failures: p.env.Failures.Recent()}
	if h.Failures == nil {
		h.Failures = []FailureEvent{}
	}
	return h
}

// actorTree builds the supervision tree from the ids of live actors: a parent's id is the longest live prefix.
func (p *Proxy) actorTree() *ActorHealth {
	ids := p.env.Actors(Root)
	slices.Sort(ids)
	nodes := map[string]*ActorHealth{}
	root := &ActorHealth{Name: Root, Kind: Root}
	for _, id := range ids {
		n := p.actorHealth(id)
		nodes[id] = n
		if id == Root {
			root = n
			continue
		}
		parent := root
		for up := id; ; {
			i := strings.LastIndexByte(up, '/')
			if i < 0 {
				break
			}
			up = up[:i]
			if found := nodes[up]; found != nil {
				parent = found
				break
			}
		}
		parent.Children = append(parent.Children, n)
	}
	return root
}

func (p *Proxy) actorHealth(id string) *ActorHealth {
	f := p.env.Failures.Of(id)
	n := &ActorHealth{Name: id, Kind: Kind(id), Restarts: f.Count, LastError: f.Last}
	if !f.At.IsZero() {
		n.LastAt = &f.At
	}
	return n
}
