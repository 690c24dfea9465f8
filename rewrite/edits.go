package rewrite

import (
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec/jsonscan"
)

// edit replaces the bytes [from, to) of a body.
type edit struct {
	from, to int
	put      string
}

// edits are collected in runs, each in the order of the body, so that they need no sorting: work stays linear. Where one
// lies inside another, the outer one wins: what is left out needs no other change.
type edits [runs][]edit

// The runs, by what they change.
const (
	addresses = iota
	processes
	brokerItems
	references // queues, or names in lists of clusters
	integers
	groups // of a heartbeat
	permissions
	ordered // orderTopicConf
	runs
)

func (e *edits) add(run, from, to int, put string) { e[run] = append(e[run], edit{from, to, put}) }

// address puts another address in place of a string value.
func (e *edits) address(value jsonscan.Token, addr string) {
	e.add(addresses, value.From, value.To, string(codec.AppendJSONString(nil, addr)))
}

// span is an element of a list with the white space around it: its delimiters stand at from-1 and at to.
type span struct{ from, to int }

// drop leaves the elements out that keep refuses, each with one comma. n is how many elements the list has.
func (e *edits) drop(run, n int, item func(int) span, keep func(int) bool) {
	kept := 0
	for i := range n {
		switch at := item(i); {
		case keep(i):
			kept++
		case kept > 0:
			e.add(run, at.from-1, at.to, "")
		case i+1 < n:
			e.add(run, at.from, at.to+1, "")
		default:
			e.add(run, at.from, at.to, "")
		}
	}
}

// keys brings the integer keys of a body into a dialect. Standard JSON can have no bare integer as a key anywhere.
// The other way only the keys are touched that Java types as integers: a broker may well be called "123".
func (e *edits) keys(b *body, d Dialect) {
	if d == Quoted {
		for _, k := range b.BareKeys {
			e.add(integers, k.From, k.To, `"`+string(b.Text[k.From:k.To])+`"`)
		}
		return
	}
	for _, k := range b.integerKeys {
		if n, err := strconv.ParseInt(string(b.Contents(k)), 10, 64); k.Kind == jsonscan.String && err == nil {
			e.add(integers, k.From, k.To, strconv.FormatInt(n, 10))
		}
	}
}

// apply returns an edited copy of text.
func (e *edits) apply(text []byte) []byte {
	size := len(text)
	for _, run := range e {
		for _, x := range run {
			size += len(x.put)
		}
	}
	out, at := make([]byte, 0, size), 0
	for x, ok := e.next(); ok; x, ok = e.next() {
		if x.from < at {
			continue
		}
		out = append(append(out, text[at:x.from]...), x.put...)
		at = x.to
	}
	return append(out, text[at:]...)
}

// next takes the edit that begins first; of two that begin together the longer one.
func (e *edits) next() (first edit, ok bool) {
	best := -1
	for i, run := range e {
		if len(run) == 0 {
			continue
		}
		if x := run[0]; best < 0 || x.from < first.from || x.from == first.from && x.to > first.to {
			best, first = i, x
		}
	}
	if best < 0 {
		return first, false
	}
	e[best] = e[best][1:]
	return first, true
}
