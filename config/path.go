package config

import (
	"regexp"
	"strconv"
	"strings"
)

// A path names a value in sentences and in the table of origins: listener[0].ports.broker-a/0.

func join(path, key string) string {
	if key == "" {
		key = `""`
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// within reports whether a path is the given one or lies below it.
func within(path, top string) bool {
	rest, ok := strings.CutPrefix(path, top)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// tableName is a path as it stands in a header: the numbers of entries are not written there.
func tableName(path string) string { return entryNumbers.ReplaceAllString(path, "") }

var entryNumbers = regexp.MustCompile(`\[[0-9]+\]`)
