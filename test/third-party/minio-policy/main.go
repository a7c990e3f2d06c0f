// Answers questions about policies by MinIO's own policy library: one JSON object a line, {"policy", "asks": [{"action",
// "bucket", "object", "at", "own"}]}, answered by {"error"} for a policy that the library refuses, else {"rendered", "allowed"}.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"

	"github.com/minio/pkg/v3/policy"
)

type question struct {
	Policy string `json:"policy"`
	Asks   []struct {
		Action string `json:"action"`
		Bucket string `json:"bucket"`
		Object string `json:"object"`
		At     string `json:"at"`
		Own    bool   `json:"own"`
	} `json:"asks"`
}

type answer struct {
	Error    string `json:"error,omitempty"`
	Rendered string `json:"rendered,omitempty"`
	Allowed  []bool `json:"allowed,omitempty"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		if err := out.Encode(judge(lines.Bytes())); err != nil {
			os.Exit(1)
		}
	}
}

func judge(line []byte) answer {
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		return answer{Error: err.Error()}
	}
	parsed, err := policy.ParseConfig(strings.NewReader(asked.Policy))
	if err == nil {
		err = parsed.Validate()
	}
	if err != nil {
		return answer{Error: err.Error()}
	}
	rendered, err := json.Marshal(parsed)
	if err != nil {
		return answer{Error: err.Error()}
	}
	said := answer{Rendered: string(rendered)}
	for _, ask := range asked.Asks {
		said.Allowed = append(said.Allowed, parsed.IsAllowed(policy.Args{
			Action:          policy.Action(ask.Action),
			BucketName:      ask.Bucket,
			ObjectName:      ask.Object,
			DenyOnly:        ask.Own,
			ConditionValues: map[string][]string{"CurrentTime": {ask.At}},
		}))
	}
	return said
}
