// Prints the access key id that the default chain of the AWS SDK for Go, version 2, comes to. Terraform's chain is this one.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
)

func main() {
	loaded, err := config.LoadDefaultConfig(context.Background())
	if err == nil {
		value, failed := loaded.Credentials.Retrieve(context.Background())
		if failed == nil {
			fmt.Println(value.AccessKeyID)
			return
		}
		err = failed
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
