package rewrite

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec/jsonscan"
)

// edit replaces the bytes [from, to) of a body.
type edit struct {
	from, to int
	put      string
}

// edits are collected in any order. Where one lies inside another, the outer one wins: what is left out needs no
// other change.
type edits []edit

func (e *edits) add(from, to int, put string) { *e = append(*e, edit{from, to, put}) }

// address puts another address in place of a string value.
func (e *edits) address(value jsonscan.Token, addr string) {
	e.add(value.From, value.To, string(codec.AppendJSONString(nil, addr)))
}

// span is an element of a list with the white space around it: its delimiters stand at from-1 and at to.
type span struct{ from, to int }

// drop leaves the elements out that keep refuses, each with one comma. n is how many elements the list has.
func (e *edits) drop(n int, item func(int) span, keep func(int) bool) {
	kept := 0
	for i := range n {
		switch at := item(i); {
		case keep(i):
			kept++
		case kept > 0:
			e.add(at.from-1, at.to, "")
		case i+1 < n:
			e.add(at.from, at.to+1, "")
		default:
			e.add(at.from, at.to, "")
		}
	}
}

// keys brings the integer keys of a body into a dialect. Standard JSON can have no bare integer as a key anywhere.
// The other way only the keys are touched that Java types as integers: a broker may well be called "123".
func (e *edits) keys(b *body, d Dialect) {
	if d == Quoted {
		for _, k := range b.BareKeys {
			e.add(k.From, k.To, `"`+string(b.Text[k.From:k.To])+`"`)
		}
		return
	}
	for _, k := range b.integerKeys {
		if n, err := strconv.ParseInt(string(b.Contents(k)), 10, 64); k.Kind == jsonscan.String && err == nil {
			e.add(k.From, k.To, strconv.FormatInt(n, 10))
		}
	}
}

// apply returns an edited copy of body.
func (e edits) apply(body []byte) []byte {
	slices.SortFunc(e, func(a, b edit) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to)) })
	size := len(body)
	for _, x := range e {
		size += len(x.put)
	}
	out, at := make([]byte, 0, size), 0
	for _, x := range e {
		if x.from < at {
			continue
		}
		out = append(append(out, body[at:x.from]...), x.put...)
		at = x.to
	}
	return append(out, body[at:]...)
}
