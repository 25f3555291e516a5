package snippets

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"
	"github.com/labstack/echo/v4"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

type UserCreated struct{}

var (
	userCreated inngestkit.EventType[UserCreated]
	tenantOf    func(c *gin.Context) string

	mux *http.ServeMux
	r   *gin.Engine
	e   *echo.Echo
	f   *fiber.App

	router *http.ServeMux // of a framework
	prefix string
)
