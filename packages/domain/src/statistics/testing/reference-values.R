# Writes reference-values.json, with which the tests compare: R --vanilla --no-echo -f reference-values.R
options(digits = 15)
cases <- list(
  # Permeability of human membranes at term and at 12 to 26 weeks: Hollander and Wolfe, table 4.1; also in help(wilcox.test).
  membranes = list(x = c(0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46), y = c(1.15, 0.88, 0.90, 0.74, 1.21)),
  # Depression before and after: Hollander and Wolfe, table 3.1, as two samples.
  depression = list(x = c(1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30), y = c(0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.07, 3.14, 1.28)),
  # Ozone in May and August, with ties: R's data set airquality, as in help(wilcox.test).
  ozone = list(x = na.omit(airquality$Ozone[airquality$Month == 8]), y = na.omit(airquality$Ozone[airquality$Month == 5])),
  # Sixty-one and seventy-one values without ties, too many for the exact distribution.
  many = list(x = 120 * exp(0.4 * qnorm(ppoints(61))) + 7, y = 120 * exp(0.4 * qnorm(ppoints(71)))),
  # Apart altogether.
  apart = list(x = c(11, 12, 13, 14), y = c(1, 2, 3, 4, 5)),
  # Three values in all.
  few = list(x = 3, y = c(1, 2)),
  # Nearly all the same.
  ties = list(x = c(1, 1, 1, 2, 2, 3), y = c(1, 1, 1, 1, 1, 2))
)
text <- function(v) paste0("[", paste(format(as.numeric(v), digits = 15, trim = TRUE), collapse = ", "), "]")
one <- function(name) {
  c <- cases[[name]]
  t95 <- suppressWarnings(wilcox.test(c$x, c$y, conf.int = TRUE, conf.level = 0.95))
  t80 <- suppressWarnings(wilcox.test(c$x, c$y, conf.int = TRUE, conf.level = 0.80))
  paste0("    { \"name\": \"", name, "\", \"x\": ", text(c$x), ", \"y\": ", text(c$y),
    ", \"u\": ", t95$statistic, ", \"pValue\": ", format(t95$p.value, digits = 15), ", \"shift\": ", format(unname(t95$estimate), digits = 15),
    ", \"interval95\": ", text(t95$conf.int), ", \"interval80\": ", text(t80$conf.int), " }")
}
beta <- function(x, a, b) paste0("    { \"x\": ", format(x, digits = 15), ", \"a\": ", a, ", \"b\": ", b,
  ", \"log\": ", format(pbeta(x, a, b, log.p = TRUE), digits = 15), " }")
betas <- c(beta(0.5, 2, 3), beta(0.95, 95, 5), beta(0.95, 1045, 55), beta(0.95, 1000, 200), beta(0.5, 5000, 1000), beta(0.99, 99990, 1010),
  beta(0.001, 0.5, 0.5), beta(0.999, 0.5, 40), beta(0.05, 300, 4), beta(0.95, 950095, 50005))
gammas <- sapply(c(0.01, 0.5, 1, 2.5, 10, 171.5, 1e5, 1e8), function(x) paste0("    { \"x\": ", format(x, digits = 15, scientific = FALSE), ", \"log\": ", format(lgamma(x), digits = 15), " }"))
normals <- sapply(c(-12, -6.5, -5, -1.959963984540054, -0.3, 0, 1, 4.9, 7), function(z) paste0("    { \"z\": ", format(z, digits = 16), ", \"p\": ", format(pnorm(z), digits = 15), " }"))
cat("{\n  \"made\": \"", R.version.string, ", reference-values.R\",\n  \"wilcoxTest\": [\n", paste(sapply(names(cases), one), collapse = ",\n"),
  "\n  ],\n  \"logIncompleteBeta\": [\n", paste(betas, collapse = ",\n"), "\n  ],\n  \"logGamma\": [\n", paste(gammas, collapse = ",\n"),
  "\n  ],\n  \"normalCdf\": [\n", paste(normals, collapse = ",\n"), "\n  ]\n}\n", sep = "", file = "reference-values.json")
