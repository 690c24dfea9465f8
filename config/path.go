package config

import (
	"regexp"
	"strconv"
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

// tableName is a path as it stands in a header: the numbers of entries are not written there.
func tableName(path string) string { return entryNumbers.ReplaceAllString(path, "") }

var entryNumbers = regexp.MustCompile(`\[[0-9]+\]`)
