// Package rocketmq runs a real RocketMQ, a name server and one broker, to stand behind the candidates.
package rocketmq
