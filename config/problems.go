package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Problems is the error of [Load] and [Validate]: everything that is wrong, not only the first thing.
type Problems struct {
	List []Problem
	// Config is what could be read, for code that looks for more problems. Defaults stand for what could not. It is not fit
	// for use; nil when the file cannot be read at all.
	Config *Config
}

// NewProblems is nil when the list is empty, and else a [*Problems].
func NewProblems(list []Problem) error {
	if len(list) == 0 {
		return nil
	}
	return &Problems{List: list}
}

// Problem is one with a key, the value that it has, and where that came from.
func (c *Config) Problem(key string, value any, fault, remedy string) Problem {
	return Problem{Key: key, Owner: c.owner(key), Value: short(written(reflect.ValueOf(value))), Origin: c.origin(key), Fault: fault, Remedy: remedy}
}

// Warnings are what a valid configuration asks for and will not get.
func (c *Config) Warnings() (list []Problem) {
	for i := range c.Listeners {
		l, at := &c.Listeners[i], index("listener", i)
		if _, err := netip.ParseAddr(l.Advertise); l.RewriteMessageIDs && l.Advertise != "" && err != nil {
			list = append(list, c.Problem(join(at, "advertise"), l.Advertise, "message ids and store hosts keep the brokers' own addresses: they can only carry IP addresses (rewrite_message_ids)",
				"write an IP address, or rewrite_message_ids = false"))
		}
	}
	return list
}

// Error is one line per problem.
func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i, problem := range p.List {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// Problem is one thing that is wrong, for the person who corrects it.
type Problem struct {
	Key    string // path of the key, such as listener[0].broker_ports; "" when the file cannot be read at all
	Owner  string // the entry it belongs to, such as `listener "office"`; "" outside of lists
	Value  string // the value as TOML would write it, secrets masked; "" when there is none
	Origin string // where the value came from, such as "file proxy.toml"; "" when it is not known
	Fault  string // what is wrong
	Remedy string // what would be right

	// about names other keys: of a contradiction, the second side; of an unknown key, the one that was meant. When one
	// of the keys cannot be read, a contradiction would concern a value that is not in any source; it is left out.
	about []string
}

// String is the problem in one sentence.
func (p Problem) String() string {
	if p.Key == "" {
		return oneLine(fmt.Sprintf("cannot read %s: %s; %s", p.Origin, p.Fault, p.Remedy))
	}
	return "cannot use " + p.sentence()
}

// Warning is the sentence of what is not wrong enough to be a problem.
func (p Problem) Warning() string { return "warning: " + p.sentence() }

func (p Problem) sentence() string {
	var b strings.Builder
	b.WriteString(p.Key)
	if p.Value != "" {
		fmt.Fprintf(&b, " = %s", p.Value)
	}
	if p.Owner != "" {
		fmt.Fprintf(&b, " of %s", p.Owner)
	}
	if p.Origin != "" {
		fmt.Fprintf(&b, " (%s)", p.Origin)
	}
	fmt.Fprintf(&b, ": %s; %s", p.Fault, p.Remedy)
	return oneLine(b.String())
}

// owner names the list entry that a path lies in, by its own name where it has one.
func (c *Config) owner(path string) string {
	entry := entryOf.FindStringSubmatch(path)
	if entry == nil {
		return ""
	}
	i, err := strconv.Atoi(entry[2])
	switch {
	case err != nil:
	case entry[1] == "cluster" && i < len(c.Clusters):
		return fmt.Sprintf("cluster %q", c.Clusters[i].Name)
	case entry[1] == "listener" && i < len(c.Listeners):
		return fmt.Sprintf("listener %q", c.Listeners[i].Name)
	case entry[1] == "limit" && i < len(c.RequestLimits):
		return fmt.Sprintf("limit %q", c.RequestLimits[i].Name)
	}
	return ""
}

var entryOf = regexp.MustCompile(`^(cluster|listener|limit)\[([0-9]+)\]`)

// lost are the keys that could not be read, and those that their problems are about.
type lost map[string]bool

func lostTo(unread []Problem) lost {
	keys := lost{}
	for _, u := range unread {
		keys[u.Key] = true
		for _, key := range u.about {
			keys[key] = true
		}
	}
	return keys
}

// causes reports whether a contradiction only follows from a value that could not be read.
func (l lost) causes(p Problem) bool {
	return slices.ContainsFunc(append([]string{p.Key}, p.about...), l.has)
}

// has reports whether a key or a table that it lies in is lost.
func (l lost) has(key string) bool {
	for i, r := range key {
		if (r == '.' || r == '[') && l[key[:i]] {
			return true
		}
	}
	return l[key]
}
