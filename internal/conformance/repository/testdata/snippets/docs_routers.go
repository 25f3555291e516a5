package snippets

import (
	"net/http"

	_ "connectrpc.com/connect"
	_ "github.com/danielgtaylor/huma/v2"
	_ "github.com/danielgtaylor/huma/v2/adapters/humago"
	_ "github.com/gorilla/mux"
	_ "github.com/julienschmidt/httprouter"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

type (
	UserCreated struct{}
	CreateUser  struct{}
)

var (
	protect, limit func(http.Handler) http.Handler
	orders, pages  http.HandlerFunc

	userCreated inngestkit.EventType[UserCreated]
)
