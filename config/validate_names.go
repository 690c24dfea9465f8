package config

import (
	"regexp"
	"strings"
)

// nameForm keeps names fit for metrics, logs and URLs.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

func (c *checker) name(key, value string) {
	if !nameForm.MatchString(value) {
		c.add(key, quote(value), "must consist of letters, digits, and - . _ between them", "choose such a name")
	}
}

// taken notes a name, and finds the one that has it already.
func (c *checker) taken(key, name string, names map[string]string) {
	if by, has := names[name]; has {
		c.add(key, quote(name), "is the same as "+by, "give each a name of its own", by)
		return
	}
	names[name] = key
}

// entries are the named tables of one list, such as [[cluster]], for keys that name one of them.
type entries struct {
	list   string         // its key
	places map[string]int // by name; of several with one name, the first
	names  string         // all of them, as a sentence has it
}

func newEntries(list string, n int, name func(i int) string) entries {
	e := entries{list: list, places: map[string]int{}}
	for i := range n {
		if _, has := e.places[name(i)]; !has {
			e.places[name(i)] = i
		}
	}
	e.names = short(strings.Join(sortedKeys(e.places), ", "))
	return e
}

func (e *entries) has(name string) bool {
	_, has := e.places[name]
	return has
}

// entry checks a key that names an entry. empty is what is wrong if it names none; "": that stands for all of them.
func (c *checker) entry(key, name string, of *entries, empty string) {
	fault, remedy := "no [["+of.list+"]] has that name", "write one of "+of.names
	switch {
	case of.has(name), len(of.places) == 0: // that there is none is a problem already
		return
	case empty == "":
		remedy += `, or "" for all`
	}
	if name == "" {
		fault = empty
	}
	if fault != "" {
		c.add(key, quote(name), fault, remedy, of.list)
	}
}
