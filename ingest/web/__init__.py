"""Documents of the web: `client.Web` fetches one, `sitemap` lists those of a site, `sources` reads what is wanted."""
