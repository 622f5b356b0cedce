"""Movement: distances are exact, headings are those of a grid or smooth, noise has its spread and its memory."""

import numpy as np
import pytest
from landbridge.domains.gps_traces import movement
from landbridge.domains.gps_traces.cities import CITIES, read_city

COMPONENTS = [
    pytest.param(component, id=f"{name}-{component.name}")
    for name in CITIES
    for offered in read_city(name).components.values()
    for component in offered
]
NOISE = read_city("a").noise


def great_circle(latitude, longitude):
    """Haversine on a sphere of 6,371 km between neighbours, m."""
    phi, theta = np.radians(latitude), np.radians(longitude)
    chord = np.sin(np.diff(phi) / 2) ** 2 + np.cos(phi[1:]) * np.cos(phi[:-1]) * np.sin(np.diff(theta) / 2) ** 2
    return 2 * 6_371_000 * np.arcsin(np.sqrt(chord))


def one_ride(component, seed=1, seconds=600.0, **options):
    random = np.random.default_rng(seed)
    route = movement.draw_route(component, seconds, random)
    return movement.ride(route, component.cruise[0], NOISE, random, **options)


def test_a_lone_link_is_a_trapezium():
    # 10 m/s with 1 m/s2 and 2 m/s2: 10 s and 50 m up, 5 s and 25 m down, 25 m and 2.5 s in between.
    speed, moving = movement.speed_profile(np.array([100.0]), 10.0, 1.0, 2.0, np.array([0.0]))
    np.testing.assert_allclose(speed[:10], np.arange(10) + 0.5)
    np.testing.assert_allclose(speed[10:12], 10)
    assert len(speed) == 18
    assert speed.sum() == pytest.approx(100, abs=1)
    assert moving[:17].all()


def test_a_link_too_short_for_the_cruise_speed_is_a_triangle():
    # v^2/2 (1/a + 1/b) = 36 m at v = 6 m/s, a = b = 1.
    speed, _ = movement.speed_profile(np.array([36.0]), 20.0, 1.0, 1.0, np.array([0.0]))
    np.testing.assert_allclose(speed, [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 5.5, 4.5, 3.5, 2.5, 1.5, 0.5])


def test_it_stands_at_a_stop_for_the_dwell_time():
    speed, moving = movement.speed_profile(np.array([36.0, 36.0]), 20.0, 1.0, 1.0, np.array([9.0, 0.0]))
    assert len(speed) == 12 + 9 + 12
    assert not moving[12:21].any() and moving[:12].all() and moving[21:].all()
    assert (speed[12:21] == 0).all() and (speed[moving] > 0).all()


@pytest.mark.parametrize("component", COMPONENTS)
def test_drawn_cruise_speeds_have_the_mean_of_the_table(component):
    drawn = movement.draw_cruise(component, 20_000, np.random.default_rng(2))
    assert drawn.mean() == pytest.approx(component.cruise[0], rel=0.05)
    assert drawn.std() == pytest.approx(component.cruise[1], rel=0.10)
    assert drawn.min() > 0


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_median_speed_while_moving_is_near_the_cruise_speed_of_its_component(component):
    # Over rides, each of which counts once: a slow ride on a route takes more seconds than a fast one.
    random = np.random.default_rng(3)
    medians = []
    for cruise in movement.draw_cruise(component, 300, random):
        route = movement.draw_route(component, 600.0, random)
        ride = movement.ride(route, float(cruise), NOISE, random)
        medians.append(movement.KM_H * np.median(ride.speed[ride.moving]))
    assert 0.75 <= np.median(medians) / component.cruise[0] <= 1.05


@pytest.mark.parametrize("component", COMPONENTS)
def test_positions_integrate_speeds_and_rides_end_where_the_route_ends(component):
    ride = one_ride(component)
    latitude, longitude = movement.positions(40.5, 116.5, ride.speed, ride.heading)
    assert len(latitude) == len(ride.speed) + 1
    np.testing.assert_allclose(great_circle(latitude, longitude), ride.speed, rtol=1e-5, atol=1e-5)
    assert ride.speed.sum() == pytest.approx(ride.route.length)
    assert (ride.speed >= 0).all()


def test_a_heading_is_clockwise_from_north():
    latitude, longitude = movement.positions(10.0, 20.0, np.array([5.0, 5.0]), np.array([0.0, np.pi / 2]))
    assert latitude[1] > latitude[0] and longitude[1] == longitude[0]
    assert latitude[2] == pytest.approx(latitude[1]) and longitude[2] > longitude[1]


@pytest.mark.parametrize("component", COMPONENTS)
def test_headings_are_those_of_a_grid_or_smooth(component):
    heading = one_ride(component, seconds=3600.0).heading
    turned = np.abs(np.diff(heading))
    if component.heading == "grid":
        quarters = heading / (np.pi / 2)
        np.testing.assert_allclose(quarters, quarters.round(), atol=1e-9)
        assert (turned > 0).any()
    else:
        assert 0 < turned.max() < np.radians(20)


def test_bike_bus_and_car_keep_to_a_grid_and_walk_and_train_do_not():
    for name in CITIES:
        for mode, offered in read_city(name).components.items():
            assert {part.heading for part in offered} == {"grid" if mode in ("bike", "bus", "car") else "smooth"}


def test_noise_of_speed_has_its_deviation_and_its_memory():
    values = movement.ornstein_uhlenbeck(200_000, 3.0, 8.0, np.random.default_rng(4))
    assert values.std() == pytest.approx(3, rel=0.05)
    for lag in (1, 8, 24):
        correlation = np.corrcoef(values[:-lag], values[lag:])[0, 1]
        assert correlation == pytest.approx(np.exp(-lag / 8), abs=0.03)


def test_noise_is_the_recursion_step_by_step():
    values = movement.ornstein_uhlenbeck(50, 2.0, 60.0, np.random.default_rng(5))
    memory = np.exp(-1 / 60)
    drawn = np.random.default_rng(5).normal(size=50)
    expected = [drawn[0]]
    for draw in drawn[1:]:
        expected.append(memory * expected[-1] + np.sqrt(1 - memory**2) * draw)
    np.testing.assert_allclose(values, 2 * np.array(expected))


def test_stops_stand_further_apart_with_drift_and_the_route_is_as_long():
    bus = read_city("a").components["bus"][0]
    route = movement.draw_route(bus, 3600.0, np.random.default_rng(6))
    before, after = movement.links(route, 1.0), movement.links(route, 1.5)
    assert before.sum() == pytest.approx(route.length) and after.sum() == pytest.approx(route.length)
    assert after[0] == pytest.approx(1.5 * before[0])
    assert len(after) < len(before)


def test_drift_is_a_yearly_factor_on_bus_stops_alone():
    city = read_city("a")
    day = city.first_day + np.timedelta64(round(2 * 365.25 * 86400), "s")
    assert city.spacing_factor(city.components["bus"][0], day) == pytest.approx(1.05**2)
    assert city.spacing_factor(city.components["car"][0], day) == 1
    still = read_city("b")
    assert still.spacing_factor(still.components["bus"][0], day) == 1


@pytest.mark.parametrize("name", CITIES)
def test_shares_sum_to_one(name):
    city = read_city(name)
    assert sum(city.mode_mix.values()) == pytest.approx(1)
    assert sum(kind.shares["share"] for kind in city.nuisance.sampling) == pytest.approx(1)
    for offered in city.components.values():
        assert sum(part.share for part in offered) == pytest.approx(1)
