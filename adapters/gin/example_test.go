package inngestgin_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gin-gonic/gin"

	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

type UserCreated struct {
	UserID string `json:"userId"`
	Email  string `json:"email"`
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
		fmt.Println(err)
		return
	}
	if err := app.Register(inngestkit.OnEvent("welcome-new-user", userCreated, welcome, flow.Retries(5))); err != nil {
		fmt.Println(err)
		return
	}

	r := gin.New()
	r.Use(inngestgin.Middleware(app))
	inngestgin.Mount(r, app) // /api/inngest
	r.POST("/users", func(c *gin.Context) {
		ids, err := inngestgin.Send(c, userCreated.New(UserCreated{UserID: "u1", Email: "u1@example.com"}))
		if err != nil {
			_ = c.AbortWithError(http.StatusBadGateway, err)
			return
		}
		c.JSON(http.StatusAccepted, gin.H{"events": ids})
	})

	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/inngest", nil))
	fmt.Println(w.Code, app.FunctionIDs())
	// Output: 200 [welcome-new-user]
}
