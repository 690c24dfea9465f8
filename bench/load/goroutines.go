//go:build linux

package load

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// goroutines asks a proxy of ours how many it has.
func goroutines(metrics string) (int, error) {
	answer, err := http.Get(metrics)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	return goroutinesOf(answer.Body)
}

func goroutinesOf(text io.Reader) (int, error) {
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		if n, ok := strings.CutPrefix(lines.Text(), "go_goroutines "); ok {
			return strconv.Atoi(n)
		}
	}
	return 0, fmt.Errorf("the metrics do not tell go_goroutines: %w", lines.Err())
}
