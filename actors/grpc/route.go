package grpc

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/translate"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

func (c *call) queryRoute(req *pb.QueryRouteRequest) {
	name, err := c.Settings().Names.Topic(req.GetTopic())
	if err != nil {
		c.fail(err)
		return
	}
	c.topic(name, func(t *topicQuery) {
		c.reply(translate.QueryRoute(req.GetTopic(), t.route, t.attribute, c.endpoints(req.GetEndpoints())))
	})
}

func (c *call) queryAssignment(req *pb.QueryAssignmentRequest) {
	names := c.Settings().Names
	topic, err := names.Topic(req.GetTopic())
	if err != nil {
		c.fail(err)
		return
	}
	group, err := names.Group(req.GetGroup())
	if err != nil {
		c.fail(err)
		return
	}
	c.topic(topic, func(t *topicQuery) {
		c.group(group, topic, func(g translate.Group) {
			c.reply(translate.QueryAssignment(req.GetTopic(), t.route, g, c.endpoints(req.GetEndpoints())))
		})
	})
}

// endpoints are what the client is told to connect to.
func (c *call) endpoints(asked *pb.Endpoints) *pb.Endpoints {
	return translate.Endpoints(c.Settings().Advertise, asked, c.rpc.Metadata(":authority"), c.rpc.Local())
}
