package translate

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The vectors are Guava 31.1's.
func TestMessageGroupsGoToTheQueueThatApachesProxyChooses(t *testing.T) {
	queues := []int{4, 8, 16, 24, 100}
	for group, want := range map[string][]int{
		"order-1": {3, 3, 3, 3, 3}, "order-2": {2, 2, 11, 22, 46}, "user-42": {1, 1, 1, 1, 61},
		"gruppe-ä": {1, 1, 1, 1, 66}, "group-0000001": {2, 7, 7, 7, 52},
	} {
		for i, n := range queues {
			require.Equal(t, want[i], QueueOf(group, n), "%s among %d", group, n)
		}
	}
}
