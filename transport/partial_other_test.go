//go:build !linux

package transport

import "testing"

func dribblers(*testing.T) map[string]func() *dribbled {
	return map[string]func() *dribbled{"Net": dribbledNet}
}
