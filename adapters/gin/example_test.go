package inngestgin_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/gin-gonic/gin"

	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

type UserCreated struct {
	Email string `json:"email"`
}

var userCreated = inngestkit.DefineEvent[UserCreated]("user.created")

func welcome(ctx context.Context, in inngestkit.Input[UserCreated]) (string, error) {
	return step.Run(ctx, "send-welcome-email", func(context.Context) (string, error) {
		return "sent to " + in.Event.Data.Email, nil
	})
}

func Example() {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		log.Fatal(err)
	}
	if err := app.Register(inngestkit.OnEvent("welcome-new-user", userCreated, welcome)); err != nil {
		log.Fatal(err)
	}
	r := gin.New()
	inngestgin.Mount(r, app) // at /api/inngest

	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/inngest", nil))
	fmt.Println(w.Code, app.FunctionIDs())
	// Output: 200 [welcome-new-user]
}

// Handlers pass an error of Send to c.Error. Middleware logs it and responds with its
// status.
func ExampleSend() {
	inngest := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer inngest.Close()
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true, BaseURL: inngest.URL})
	if err != nil {
		log.Fatal(err)
	}

	r := gin.New()
	r.Use(inngestgin.Middleware(app), func(c *gin.Context) {
		c.Next()
		if err := c.Errors.Last(); err != nil {
			if cause, ok := errors.AsType[*inngestkit.SendError](err); ok {
				fmt.Println("log: Inngest responded with", cause.Status)
			}
			c.JSON(inngestkit.SendStatus(err), err)
		}
	})
	r.POST("/users", func(c *gin.Context) {
		ids, err := inngestgin.Send(c, userCreated.New(UserCreated{Email: "ada@example.com"}))
		if err != nil {
			_ = c.Error(err)
			return
		}
		c.JSON(http.StatusAccepted, gin.H{"events": ids})
	})

	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/users", nil))
	fmt.Println("client:", w.Code, w.Body)
	// Output:
	// log: Inngest responded with 503
	// client: 503 {"error":"Service Unavailable","status":503}
}
