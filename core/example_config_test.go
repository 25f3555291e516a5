package inngestkit_test

import (
	"context"
	"fmt"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// A program can read secrets from a vault and everything else from the environment.
func ExampleConfigFrom() {
	vault := map[string]string{"INNGEST_SIGNING_KEY": "signkey-test-0123456789abcdef0123456789abcdef\n"}
	fromVault := func(_ context.Context, variable string) (value string, found bool, err error) {
		value, found = vault[variable]
		return value, found, nil
	}
	config, err := inngestkit.ConfigFrom(context.Background(), inngestkit.FirstFound(fromVault, inngestkit.LookupEnv))
	if err != nil {
		fmt.Println(err)
		return
	}
	config.AppID = "shop" // the program can override what was read
	app, err := inngestkit.New(config)
	fmt.Println(app, config.SigningKey, err)
	// Output: inngestkit.App(shop) (set) <nil>
}

// Errors name the variables and do not show the values.
func ExampleConfigFromEnv() {
	config, err := inngestkit.ConfigFromEnv()
	if err != nil {
		fmt.Println(err)
		return
	}
	config.AppID, config.SigningKey = "shop\n", "signkey-test-oops"
	_, err = inngestkit.New(config)
	fmt.Println(err)
	// Output:
	// inngestkit: config: AppID (INNGEST_APP_ID) has white space around it or control characters in it, perhaps the line break at the end of a file; remove them
	// inngestkit: config: SigningKey (INNGEST_SIGNING_KEY) is malformed; a key is signkey-, the environment, a hyphen and hexadecimal digits, as in the Inngest UI
}
