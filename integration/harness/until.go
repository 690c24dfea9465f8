package harness

import (
	"context"
	"fmt"
	"time"
)

// Patience is how long a story waits for something that ought to happen. It is far more than it takes, because a
// story must never fail for being run on a slow machine, and costs nothing where all is well.
const Patience = 3 * time.Minute

// stopTimeout is how long a proxy may take to drain and exit after SIGTERM: drain_timeout is 5 s in these tests, and
// clients that were not closed properly are no reason to hang.
const stopTimeout = time.Minute

// Until tries check again and again, and returns nil once it does; when ctx ends, what was wrong last.
func Until(ctx context.Context, check func() error) error {
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("gave up (%w): %w", ctx.Err(), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
