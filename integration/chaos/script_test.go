package chaos

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"
)

// The script of a chaos run. Each target has an injector of its own, which injects one fault after another, so that faults
// of different targets overlap. Which faults, and how long, follows from the seed and the names of test and target; what
// they lead to does not, because it also depends on the machine.

// target is something that can be broken.
type target struct {
	name   string
	faults []fault
}

// fault is one thing that may happen to a target. When do returns, the fault is over and the target has recovered; an
// error means that it has not, or that it did not end as it has to.
type fault struct {
	name string
	do   func(in *injection) error
}

// injection is one use of a fault: its random numbers, its time, its log.
type injection struct {
	ctx  context.Context // ends with the script
	rand *rand.Rand
	log  func(format string, args ...any)
}

// upTo is a random time of at most so long.
func (in *injection) upTo(most time.Duration) time.Duration {
	return time.Duration(in.rand.Int64N(int64(most)))
}

// waitUpTo waits for a random time of at most so long, or until the script ends.
func (in *injection) waitUpTo(most time.Duration) {
	select {
	case <-in.ctx.Done():
	case <-time.After(in.upTo(most)):
	}
}

// betweenFaults is the longest pause of a target between two faults.
const betweenFaults = 2 * time.Second

// injectAll runs the script until ctx ends and all targets have recovered.
func injectAll(ctx context.Context, t *testing.T, seed uint64, targets []target) (happened int) {
	begun := time.Now()
	var mu sync.Mutex
	var injectors sync.WaitGroup
	for _, target := range targets {
		name := fnv.New64a()
		name.Write([]byte(t.Name() + target.name))
		in := &injection{ctx: ctx, rand: rand.New(rand.NewPCG(seed, name.Sum64()))}
		in.log = func(format string, args ...any) {
			t.Logf("%7.3f %-10s %s", time.Since(begun).Seconds(), target.name, fmt.Sprintf(format, args...))
		}
		injectors.Go(func() {
			for in.waitUpTo(betweenFaults); ctx.Err() == nil; in.waitUpTo(betweenFaults) {
				what := target.faults[in.rand.IntN(len(target.faults))]
				in.log("%s", what.name)
				if err := what.do(in); err != nil {
					t.Errorf("seed %d: %s of %s: %v", seed, what.name, target.name, err)
					return
				}
				in.log("recovered")
				mu.Lock()
				happened++
				mu.Unlock()
			}
		})
	}
	injectors.Wait()
	return happened
}

// longestRound is how long one round of chaos lasts at most: what was sent is kept in memory and read back at its end.
const longestRound = time.Minute

// usualChaos is for `go test ./...`: long enough that each target is broken a few times.
const usualChaos = 5 * time.Second

// chaosTime is CHAOS_SECONDS.
func chaosTime(t *testing.T) time.Duration {
	return time.Duration(chaosNumber(t, "CHAOS_SECONDS", uint64(usualChaos/time.Second))) * time.Second
}

// chaosSeed is CHAOS_SEED.
func chaosSeed(t *testing.T) uint64 { return chaosNumber(t, "CHAOS_SEED", 1) }

func chaosNumber(t *testing.T, name string, usual uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 0 {
		t.Fatalf("%s = %q is not a number above 0", name, text)
	}
	return n
}

// chaosRounds calls round until the time of the run is used up, with a seed of its own each time: a long run is many
// short ones, and each can be told again alone.
func chaosRounds(t *testing.T, round func(t *testing.T, seed uint64, length time.Duration)) {
	seed := chaosSeed(t)
	for left := chaosTime(t); left > 0 && !t.Failed(); left -= longestRound {
		length := min(left, longestRound)
		t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) {
			t.Logf("to see it again: CHAOS_SEED=%d CHAOS_SECONDS=%d", seed, length/time.Second)
			round(t, seed, length)
		})
		seed++
	}
}
