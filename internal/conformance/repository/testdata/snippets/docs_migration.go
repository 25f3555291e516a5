package snippets

import (
	"context"

	"github.com/gin-gonic/gin"
	"github.com/inngest/inngestgo"
	_ "github.com/inngest/inngestgo/step" // blocks import it themselves
)

type (
	Order   struct{ ID string }
	Receipt struct{ ID string }
)

var (
	bank interface {
		Charge(ctx context.Context, order Order) (Receipt, error)
	}
	r      *gin.Engine
	err    error
	client inngestgo.Client
)
