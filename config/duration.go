package config

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

var days = regexp.MustCompile(`[0-9.]+d`)

// parseDuration reads what Go reads, and days of 24 hours: "1d", "1d12h".
func parseDuration(text string) (time.Duration, error) {
	return time.ParseDuration(days.ReplaceAllStringFunc(text, func(s string) string {
		n, err := strconv.ParseFloat(strings.TrimSuffix(s, "d"), 64)
		if err != nil {
			return s
		}
		return strconv.FormatFloat(24*n, 'f', -1, 64) + "h"
	}))
}

// shortDuration writes "2m" instead of Go's "2m0s".
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
