"""The drawing room: readings and rows in, elements and figures out. It knows neither the database nor the server."""
