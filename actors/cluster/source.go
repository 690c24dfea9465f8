package cluster

import "github.com/asynkron/protoactor-go/actor"

// source is where a cluster learns what there is: who has a topic, and which brokers there are. It is a part of the
// cluster's actor. Each ask ends in clusterActor.settled, by itself or after clusterActor.accept or failed.
type source interface {
	// start begins, also after a crash.
	start(ctx actor.Context)
	// ask finds out about a topic, or about wholeCluster. It is not called again for one that is being asked about.
	ask(ctx actor.Context, k key)
	// refresh is told that the whole cluster is looked at again, which is asked for beside.
	refresh(ctx actor.Context)
	// receive gets the messages that the cluster does not know.
	receive(ctx actor.Context)
	// stop ends what would send the actor something.
	stop()
}
