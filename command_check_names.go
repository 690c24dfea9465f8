package main

import (
	"fmt"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
)

// sameNames finds brokers of different clusters behind one listener that have the same name. Those that are written down are
// known to collide without asking; here name servers are asked for the others.
func (p *program) sameNames(cfg *config.Config) (problems int) {
	known := map[string][]string{}
	for i := range cfg.Listeners {
		l, holders := &cfg.Listeners[i], map[string]string{}
		clusters := cfg.ClustersOf(l)
		if len(clusters) < 2 {
			continue
		}
		for _, cluster := range clusters {
			if _, asked := known[cluster.Name]; !asked {
				known[cluster.Name] = brokerNames(cluster)
			}
			for _, name := range known[cluster.Name] {
				holder, taken := holders[name]
				if !taken || holder == cluster.Name {
					holders[name] = cluster.Name
					continue
				}
				fmt.Fprintf(p.stdout, "cannot offer broker %q of cluster %q behind listener %q: cluster %q has a broker of that name, too, and clients know "+
					"brokers by their names; rename one of them (brokerName), or give each cluster a listener of its own\n", name, cluster.Name, l.Name, holder)
				problems++
			}
		}
	}
	return problems
}

// brokerNames are those of a cluster; none, if none of its name servers tells, which has been reported.
func brokerNames(cluster *config.Cluster) (names []string) {
	if s := cluster.Static(); s != nil {
		for _, b := range s.All() {
			names = append(names, b.Name)
		}
		return distinct(names)
	}
	for _, address := range cluster.NameServers {
		body, err := askForBrokers(cluster, address)
		if err != nil {
			continue
		}
		list, err := rewrite.ClusterBrokers(body)
		if err != nil {
			continue
		}
		for _, b := range list {
			names = append(names, b.Name)
		}
		return distinct(names)
	}
	return nil
}

// distinct leaves out what was there before: a broker's slaves have its name.
func distinct(names []string) (list []string) {
	seen := map[string]bool{}
	for _, name := range names {
		if !seen[name] {
			seen[name] = true
			list = append(list, name)
		}
	}
	return list
}

// maxClusterInfo bounds the answer of a name server.
const maxClusterInfo = 64 << 20

// askForBrokers asks a name server for the brokers that there are (106).
func askForBrokers(cluster *config.Cluster, address string) (body []byte, err error) {
	conn, err := connect(cluster, address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(dialTimeout))
	question := &codec.Command{Code: codec.ReqGetBrokerClusterInfo, Version: codec.Version5_5_0, Opaque: 1}
	if _, err := conn.Write(question.Append(nil, codec.JSON)); err != nil {
		return nil, err
	}
	answer, _, err := codec.ReadCommand(conn, codec.Limits{MaxFrame: maxClusterInfo, MaxHeader: maxClusterInfo})
	if err != nil {
		return nil, err
	}
	if answer.Code != codec.ResSuccess {
		return nil, fmt.Errorf("it answers %s: %s", codec.ResponseCodeName(answer.Code), answer.Remark)
	}
	return answer.Body, nil
}
