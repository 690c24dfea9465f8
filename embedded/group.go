package embedded

// GroupConfig is what a broker knows of a consumer group, with the keys of its JSON form
// (SubscriptionGroupConfig.java).
type GroupConfig struct {
	Attributes                   map[string]string `json:"attributes"`
	BrokerID                     int64             `json:"brokerId"`
	ConsumeBroadcastEnable       bool              `json:"consumeBroadcastEnable"`
	ConsumeEnable                bool              `json:"consumeEnable"`
	ConsumeFromMinEnable         bool              `json:"consumeFromMinEnable"`
	ConsumeMessageOrderly        bool              `json:"consumeMessageOrderly"`
	ConsumeTimeoutMinute         int               `json:"consumeTimeoutMinute"`
	GroupName                    string            `json:"groupName"`
	GroupSysFlag                 int               `json:"groupSysFlag"`
	NotifyIDsChanged             bool              `json:"notifyConsumerIdsChangedEnable"`
	RetryMaxTimes                int               `json:"retryMaxTimes"`
	RetryQueueNums               int               `json:"retryQueueNums"`
	WhichBrokerWhenConsumeSlowly int64             `json:"whichBrokerWhenConsumeSlowly"`
}

func newGroupConfig(name string) *GroupConfig {
	return &GroupConfig{
		Attributes: map[string]string{}, GroupName: name, ConsumeEnable: true,
		ConsumeBroadcastEnable: true, ConsumeFromMinEnable: true, ConsumeTimeoutMinute: 15, NotifyIDsChanged: true,
		RetryMaxTimes: 16, RetryQueueNums: 1, WhichBrokerWhenConsumeSlowly: 1,
	}
}

// group finds a group, or creates it unless that is disabled; then nil.
func (s *brokerSet) group(name string) *GroupConfig {
	g := s.groups[name]
	if g == nil && !s.options.DisableAutoCreateGroups {
		g = newGroupConfig(name)
		s.groups[name] = g
	}
	return g
}
