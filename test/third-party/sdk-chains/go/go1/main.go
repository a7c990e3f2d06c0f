// Prints the access key id that the default chain of the AWS SDK for Go, version 1, comes to.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go/aws/session"
)

func main() {
	made, err := session.NewSession()
	if err == nil {
		value, failed := made.Config.Credentials.Get()
		if failed == nil {
			fmt.Println(value.AccessKeyID)
			return
		}
		err = failed
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
