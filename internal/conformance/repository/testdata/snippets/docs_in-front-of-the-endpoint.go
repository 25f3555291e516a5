package snippets

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"
	"github.com/labstack/echo/v4"
)

var (
	protect, limit func(http.Handler) http.Handler
	orders         http.HandlerFunc

	csrfToken, rateLimit gin.HandlerFunc
	accounts             gin.Accounts

	e   *echo.Echo
	f   *fiber.App
	srv *http.Server
)
